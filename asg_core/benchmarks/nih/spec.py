"""NIH ChestX-ray14: its keys, its targets, and what is said about it elsewhere."""

from pathlib import Path
from typing import Literal

from pydantic import model_validator

from asg_core.benchmarks.spec import BenchmarkSpec, DrawnSplitConfig
from asg_core.benchmarks.splits import PARTS
from asg_core.sources.config import Split


class NihConfig(DrawnSplitConfig):
    """NIH ChestX-ray14."""

    split: Literal["official", "lists"] = "official"
    """`official` takes `train_val_list.txt` and `test_list.txt` and draws the validation
    patients from the first; `lists` takes the three files that are named below."""

    train_list: Path | None = None
    """Names of the training images, one a line; relative to the root, or absolute. A folder
    in front of a name and further words behind it are passed over. This key and the two
    below belong to the split `lists` only."""

    validate_list: Path | None = None
    """Names of the validation images."""

    test_list: Path | None = None
    """Names of the test images."""

    @property
    def lists(self) -> dict[Split, Path]:
        """The lists that are named, by part."""
        named = (self.train_list, self.validate_list, self.test_list)
        return {part: path for part, path in zip(PARTS, named, strict=True) if path}

    @model_validator(mode="after")
    def _check_lists(self) -> "NihConfig":
        num_named = len(self.lists)
        if self.split == "lists" and num_named != len(PARTS):
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


SPEC = BenchmarkSpec(
    name="nih",
    label="NIH",
    about="NIH ChestX-ray14: 14 findings.",
    config=NihConfig,
    tags={"Effusion": "pleural effusion", "Pleural_Thickening": "pleural thicken"},
    phrases={"Effusion": "pleural effusion"},
)
