"""Where the five public benchmarks lie, how each is divided, and what its codes mean."""

from pathlib import Path
from typing import Literal, get_args, get_type_hints

from pydantic import BaseModel, Field, model_validator

from asg_core.settings import RejectShare, Settings

_ALL_VIEWS = "-all-views"

BenchmarkName = Literal["nih", "chexpert", "rsna", "covidx", "siim"]
"""The benchmarks; each has a reader of this name in `asg_core.evaluation.benchmarks`."""


class NihConfig(Settings):
    """NIH ChestX-ray14."""

    root: Path | None = None
    """Folder of the dataset as distributed; null leaves the benchmark out."""

    split: Literal["official", "lists"] = "official"
    """`official` takes `train_val_list.txt` and `test_list.txt` and draws the validation
    patients from the first; `lists` takes the three files that are named below."""

    train_list: Path | None = None
    """Names of the training images, one a line; relative to the root, or absolute. A folder
    in front of a name and further words behind it are passed over. Of the split `lists`
    only, as the two below."""

    validate_list: Path | None = None
    """Names of the validation images."""

    test_list: Path | None = None
    """Names of the test images."""

    validate_share: float = Field(default=0.1, gt=0, lt=1)
    """Share of the patients of `train_val_list.txt` that go to `validate`."""

    seed: int = Field(default=0, ge=0)
    """Of the draw of the validation patients."""

    max_reject_share: RejectShare = 0.05
    """Share of the items that may be rejected before the job stops."""

    @model_validator(mode="after")
    def _check_lists(self) -> "NihConfig":
        lists = (self.train_list, self.validate_list, self.test_list)
        num_named = sum(path is not None for path in lists)
        if self.split == "lists" and num_named != 3:
            raise ValueError(
                "nih.split is 'lists': expected files in nih.train_list, "
                f"nih.validate_list and nih.test_list, found {num_named} of the three"
            )
        if self.split != "lists" and num_named:
            raise ValueError(
                f"nih.split is '{self.split}' while {num_named} of nih.train_list, "
                "nih.validate_list and nih.test_list are set: remove them, or set "
                "nih.split to 'lists'"
            )
        return self


class ChexpertConfig(Settings):
    """CheXpert, in the small or the full size."""

    root: Path | None = None
    """Folder of the dataset as distributed, or the folder above it; null leaves the
    benchmark out."""

    split: Literal["patient", "mgca", "mgca-corrected"] = "patient"
    """How train.csv is divided; valid.csv is the test part always. `patient` draws
    validation patients. `mgca` is the division of the MGCA code, most of whose validation
    images are also in train; `mgca-corrected` takes them out of train, and shares
    patients still."""

    views: Literal["frontal", "all"] = "frontal"
    """Images to keep, by the column Frontal/Lateral; laterals that are left out are
    counted."""

    targets: Literal["five", "fourteen"] = "five"
    """The five labels of the challenge, or all label columns."""

    uncertain: Literal["mgca", "positive", "negative", "ignore"] = "mgca"
    """What -1 means. `mgca`: present for Atelectasis, Edema and Pleural Effusion, not
    for Cardiomegaly and Consolidation; defined for the five targets only. `ignore`: no
    label."""

    blank: Literal["negative", "ignore"] = "negative"
    """What an empty cell means; `ignore`: no label."""

    validate_share: float = Field(default=0.025, gt=0, lt=1)
    """Share of the patients of train.csv that go to `validate`; only for the split
    `patient`. 0.025 gives about as many images as the 5,000 of the MGCA code."""

    seed: int = Field(default=0, ge=0)
    """Of the draw of the validation patients."""

    max_reject_share: RejectShare = 0.05
    """Share of the items that may be rejected before the job stops."""

    @property
    def split_name(self) -> str:
        """The split with its views: laterals make another test part."""
        return self.split if self.views == "frontal" else f"{self.split}{_ALL_VIEWS}"

    @model_validator(mode="after")
    def _check_policy(self) -> "ChexpertConfig":
        if self.uncertain == "mgca" and self.targets != "five":
            raise ValueError(
                "chexpert.uncertain is 'mgca', which says what -1 means for five targets, "
                f"while chexpert.targets is '{self.targets}': set chexpert.uncertain to "
                "'positive', 'negative' or 'ignore'"
            )
        return self


class RsnaConfig(Settings):
    """RSNA Pneumonia Detection Challenge, stage 2."""

    root: Path | None = None
    """Folder of the dataset as distributed; null leaves the benchmark out."""

    split: Literal["mgca", "mgca-detection", "benchx"] = "mgca"
    """Published divisions of the labelled images, drawn again from the label file: the
    first is for classification, the second for segmentation."""

    max_reject_share: RejectShare = 0.05
    """Share of the items that may be rejected before the job stops."""


class CovidxConfig(Settings):
    """COVIDx; version 9A is the one of the published numbers."""

    root: Path | None = None
    """Folder of the dataset as distributed; null leaves the benchmark out."""

    split: Literal["patient", "mgca", "lists"] = "patient"
    """How train.txt is divided; test.txt is the test part always. `patient` draws
    validation patients; `mgca` takes a fifth of the images, half of which are of training
    patients; `lists` takes val.txt, which versions from CXR-3 on have."""

    validate_share: float = Field(default=0.1, gt=0, lt=1)
    """Share of the patients of train.txt that go to `validate`; only for the split
    `patient`."""

    seed: int = Field(default=0, ge=0)
    """Of the draw of the validation patients."""

    max_reject_share: RejectShare = 0.05
    """Share of the items that may be rejected before the job stops."""


class SiimConfig(Settings):
    """SIIM-ACR Pneumothorax Segmentation."""

    root: Path | None = None
    """Folder of the dataset as distributed; null leaves the benchmark out."""

    labels: Path | None = None
    """The csv of the run lengths, relative to the root or absolute; null takes the one
    csv in the root that has their two columns and is no example of a submission."""

    split: Literal["image", "mgca-rows"] = "image"
    """`image` divides the images 70 / 15 / 15. `mgca-rows` is the division of the MGCA
    code, which divides the rows of the csv and so has images in two parts."""

    max_reject_share: RejectShare = 0.05
    """Share of the items that may be rejected before the job stops."""


class BenchmarksConfig(Settings):
    """The benchmarks that encoders are evaluated on; a synthetic run makes its own."""

    nih: NihConfig = NihConfig()
    """NIH ChestX-ray14: 14 findings."""

    chexpert: ChexpertConfig = ChexpertConfig()
    """CheXpert: five findings."""

    rsna: RsnaConfig = RsnaConfig()
    """RSNA Pneumonia: one finding, with boxes."""

    covidx: CovidxConfig = CovidxConfig()
    """COVIDx: classes that exclude each other."""

    siim: SiimConfig = SiimConfig()
    """SIIM-ACR Pneumothorax: one finding, with masks."""

    inventory: Literal["files", "index"] = "files"
    """What is looked at to see that a benchmark changed: the size and time of every file,
    or of the label files and lists only. `index` is for slow network disks: a replaced
    image is then not noticed."""


def split_names(name: str) -> tuple[str, ...]:
    """Return the names of the splits of a benchmark, as the column `split` holds them.

    Raises:
        KeyError: If there is no such benchmark.
    """
    section: type[BaseModel] = get_type_hints(BenchmarksConfig)[name]
    names: tuple[str, ...] = get_args(section.model_fields["split"].annotation)
    if name == "chexpert":
        names += tuple(f"{split}{_ALL_VIEWS}" for split in names)
    return names
