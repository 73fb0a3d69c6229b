"""What the targets of benchmarks are called in the language of reports.

The tag decoder was trained on the 40 findings. A target whose phrase is one of them is
asked for as a tag; any other as free text, which it has never been trained on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asg_core.benchmarks.registry import BENCHMARKS
from asg_core.terms.findings import FINDINGS

# A name means the same in every benchmark that has it.
_TAGS = {
    target: tag for spec in BENCHMARKS.values() for target, tag in spec.tags.items()
}
_PHRASES = {
    target: phrase
    for spec in BENCHMARKS.values()
    for target, phrase in spec.phrases.items()
}
_NO_FINDINGS = frozenset[str]().union(*(s.no_findings for s in BENCHMARKS.values()))


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
    return _queries(targets, phrases=_TAGS)


def prompt_queries(
    targets: Sequence[str], *, phrases: Mapping[str, str]
) -> list[Query]:
    """Return the names of targets in sentences, in the order of the targets.

    Targets that are no finding have none.

    Args:
        targets: As the benchmark spells them.
        phrases: Names that replace those of the package.
    """
    return _queries(targets, phrases={**_PHRASES, **phrases})


def _queries(targets: Sequence[str], *, phrases: Mapping[str, str]) -> list[Query]:
    return [
        Query(
            target=target,
            phrase=phrases.get(target, target.replace("_", " ").lower()),
        )
        for target in targets
        if target not in _NO_FINDINGS
    ]
