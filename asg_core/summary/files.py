"""The files of the summary by name, known from the configuration before anything is made.

The workflow declares and asks for every one of them: a page or a table that is lost is
made again. A table that the configuration leads to and the results have nothing for is
written without rows, so that the names do not depend on data.
"""

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from asg_core.benchmarks.registry import BENCHMARKS
from asg_core.summary.sheets.names import SUFFIXES, headline_metrics
from asg_core.terms.stages import Stage

PAGES = (
    "index",
    "data",
    "triplets",
    "examples",
    "training",
    "benchmarks",
    "published",
)
_OF_CORPUS = {"triplets", "examples", "training"}
"""The pages that a run without a corpus has nothing for."""

ASSETS = ("style.css", "script.js")
TABLES = "tables"
"""The folder of the tables."""

_SCORED: Mapping[Stage, Stage] = {
    Stage.SCORE_TRIPLETS: Stage.EXTRACT_TRIPLETS,
    Stage.SCORE_BOXES: Stage.DETECT_REGIONS,
    Stage.SCORE_ALIGNMENTS: Stage.ALIGN_REGIONS,
}
"""File of stage_metrics -> the stage whose scores it holds."""

_OF_SCORES = ("auc", "average_precision", "f1", "accuracy")
_OF_MASKS = ("dice", "dice_positive", "false_positive_rate")
_TRAINED = frozenset({"run", "checkpoint"})
"""The kinds of encoders that may have a text side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a configuration makes, as far as the names of the summary's files go."""

    metric_files: Collection[str]
    """Names of the files of the table stage_metrics."""

    has_corpus: bool
    """Whether there is a corpus, or only encoders and benchmarks."""

    has_images: bool
    has_runs: bool
    has_marked_sheet: bool
    has_second_opinion: bool
    encoder_kinds: frozenset[str]
    benchmarks: Sequence[str]
    protocols: Sequence[str]
    is_synthetic: bool
    has_published: bool
    """Whether numbers from papers have a page."""


def page_files(scope: Scope) -> list[str]:
    """Return the pages and what they load, relative to the folder of the summary."""
    left_out = set() if scope.has_published else {"published"}
    left_out |= set() if scope.has_corpus else _OF_CORPUS
    return [*(f"{name}.html" for name in PAGES if name not in left_out), *ASSETS]


def table_files(scope: Scope) -> list[str]:
    """Return the files of all tables, relative to the folder of the summary."""
    names = dict.fromkeys(_sheet_names(scope))
    return [f"{TABLES}/{name}{suffix}" for name in names for suffix in SUFFIXES]


def _sheet_names(scope: Scope) -> Iterator[str]:
    yield from ("rows", "rejects", "timings", "table_versions", "code_digests")
    yield from _corpus_names(scope)
    headlines = _headlines(scope)
    if scope.encoder_kinds and scope.benchmarks:
        yield from ("encoders", "failures")
    for (benchmark, protocol), metrics in headlines.items():
        yield from (f"results_{benchmark}_{protocol}_{metric}" for metric in metrics)
        yield f"other_{benchmark}_{protocol}"
        # The headline of targets that exclude each other is over all of them only.
        if not BENCHMARKS[benchmark].is_exclusive:
            yield f"targets_{benchmark}_{protocol}"
        yield f"overview_{protocol}"
    if scope.has_published:
        yield from _published_names(scope, headlines)


def _corpus_names(scope: Scope) -> Iterator[str]:
    """Yield the tables about a corpus and what is made of it."""
    if scope.has_images:
        yield "views"
    for file, stage in _SCORED.items():
        if file in scope.metric_files:
            yield from (f"scores_{stage}", f"scores_{stage}_by_target")
    if scope.has_marked_sheet:
        yield from ("checked_triplets", "checked_confusions", "checked_by_target")
    if scope.has_second_opinion:
        yield from ("compared_triplets", "compared_claims")
    if scope.has_runs:
        yield "runs"


def _headlines(scope: Scope) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the metrics that lead a benchmark's results, of all pairs that have some."""
    return {
        (benchmark, protocol): headline_metrics(
            benchmark, _OF_MASKS if _is_segmentation(protocol) else _OF_SCORES
        )
        for benchmark in scope.benchmarks
        for protocol in scope.protocols
        if _applies(protocol, benchmark=benchmark, kinds=scope.encoder_kinds)
    }


def _applies(protocol: str, *, benchmark: str, kinds: frozenset[str]) -> bool:
    """Return whether a protocol can have results of any of the encoders."""
    spec = BENCHMARKS[benchmark]
    if protocol.startswith("zero-shot"):
        # No tag stands for one of several targets that exclude each other.
        has_tags = protocol != "zero-shot-tags" or not spec.is_exclusive
        return has_tags and bool(kinds & _TRAINED)
    has_masks = spec.segmentation_target is not None
    return bool(kinds) and (has_masks or not _is_segmentation(protocol))


def _is_segmentation(protocol: str) -> bool:
    return protocol.endswith("segmentation") or protocol.startswith("segmentation")


def _published_names(
    scope: Scope, headlines: Mapping[tuple[str, str], Sequence[str]]
) -> Iterator[str]:
    """Yield the published tables: beside a real corpus those that ours stand beside."""
    for benchmark, protocol, metric, split in _published_keys():
        if scope.is_synthetic or metric in headlines.get((benchmark, protocol), ()):
            yield f"published_{benchmark}_{protocol}_{metric}_{split}"


def _published_keys() -> list[tuple[str, str, str, str]]:
    """Return benchmark, protocol, metric and split of the published numbers, sorted.

    Without the data frames of evaluation.published: they take long to import, and every
    submitted job builds the graph again.
    """
    path = files("asg_core.evaluation").joinpath("published.tsv")
    rows = csv.DictReader(
        path.read_text(encoding="utf-8").splitlines(),
        delimiter="\t",
        quoting=csv.QUOTE_NONE,
    )
    return sorted(
        {
            (row["benchmark"], row["protocol"], row["metric"], row["split"])
            for row in rows
        }
    )
