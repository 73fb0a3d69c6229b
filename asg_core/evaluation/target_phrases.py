"""What the targets of benchmarks are called in the language of reports.

The tag decoder was trained on the 40 findings. A target whose phrase is one of them is
asked for as a tag; any other as free text, which it has never been trained on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from asg_core.terms.findings import FINDINGS

TAG_OF: Final[Mapping[str, str]] = {
    "Effusion": "pleural effusion",
    "Pleural_Thickening": "pleural thicken",
    "Lung Opacity": "opacity",
    "Lung Lesion": "lesion",
    "Support Devices": "device",
}
"""The tag of a target, where it is not the target's name in lower case."""

NAME_OF: Final[Mapping[str, str]] = {"Effusion": "pleural effusion"}
"""What a target is called in a sentence, where it is not its name in lower case."""

NO_FINDING: Final = "No Finding"
"""A target of CheXpert that no sentence and no tag stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """How a model is asked about one target."""

    target: str
    phrase: str

    @property
    def is_tag(self) -> bool:
        """Whether the phrase is one of the 40 tags, and so was trained on."""
        return self.phrase in FINDINGS


def tag_queries(targets: Sequence[str]) -> list[Query]:
    """Return what the tag decoder is asked, in the order of the targets.

    Targets that are no finding have no query.
    """
    return _queries(targets, phrases=TAG_OF)


def prompt_queries(
    targets: Sequence[str], *, phrases: Mapping[str, str]
) -> list[Query]:
    """Return the names of targets in sentences, in the order of the targets.

    Targets that are no finding have none.

    Args:
        targets: As the benchmark spells them.
        phrases: Names that replace those of the package.
    """
    return _queries(targets, phrases={**NAME_OF, **phrases})


def _queries(targets: Sequence[str], *, phrases: Mapping[str, str]) -> list[Query]:
    return [
        Query(
            target=target,
            phrase=phrases.get(target, target.replace("_", " ").lower()),
        )
        for target in targets
        if target != NO_FINDING
    ]
