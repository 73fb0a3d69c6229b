"""CheXpert: its keys, its targets, and what is said about it elsewhere."""

from typing import Literal

from pydantic import Field, model_validator

from asg_core.benchmarks.spec import BenchmarkSpec, DrawnSplitConfig

LABELS = (
    "No Finding",
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Opacity",
    "Lung Lesion",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
    "Support Devices",
)


FIVE = (
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Pleural Effusion",
)
"""The labels of the challenge."""


NO_FINDING = "No Finding"


class ChexpertConfig(DrawnSplitConfig):
    """CheXpert, in the small or the full size."""

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
    """What -1 means. With `mgca` it is present for Atelectasis, Edema and Pleural Effusion
    and not for Cardiomegaly and Consolidation, which is defined for the five targets only;
    with `ignore` there is no label."""

    blank: Literal["negative", "ignore"] = "negative"
    """What an empty cell means; with `ignore` there is no label."""

    validate_share: float = Field(default=0.025, gt=0, lt=1)
    """Share of the patients of train.csv that go to `validate`; only for the split
    `patient`. 0.025 gives about as many images as the 5,000 of the MGCA code."""

    @property
    def names(self) -> tuple[str, ...]:
        """The targets, in the order of the tables."""
        return FIVE if self.targets == "five" else LABELS

    @model_validator(mode="after")
    def _check_policy(self) -> "ChexpertConfig":
        if self.uncertain == "mgca" and self.targets != "five":
            raise ValueError(
                "chexpert.uncertain is 'mgca', which says what -1 means for five targets, "
                f"while chexpert.targets is '{self.targets}': set chexpert.uncertain to "
                "'positive', 'negative' or 'ignore'"
            )
        return self


SPEC = BenchmarkSpec(
    name="chexpert",
    label="CheXpert",
    about="CheXpert: five findings. Its root may be the folder above the dataset.",
    config=ChexpertConfig,
    tags={
        "Lung Opacity": "opacity",
        "Lung Lesion": "lesion",
        "Support Devices": "device",
    },
    no_findings=frozenset({NO_FINDING}),
)
