"""Score triplets and sentences against ground truth."""

from collections.abc import Iterator, Mapping
from functools import partial

import polars as pl

from asg_core.tables.catalog import SENTENCES, STAGE_METRICS, TRIPLETS
from asg_core.tables.stage_metrics import metric_row
from asg_core.terms.findings import FINDINGS
from asg_core.terms.stages import Stage
from asg_core.terms.targets import ALL

STAGE = Stage.EXTRACT_TRIPLETS

_row = partial(metric_row, STAGE)

_MENTION = ("study_id", "finding", "finding_start", "finding_end")
# What a row must share with the truth, beyond its mention, to be right.
_ELEMENTS: dict[str, tuple[str, ...]] = {
    "region": ("region",),
    "existence": ("existence",),
    "joint": ("region", "existence"),
}
# The edges of a sentence that carry no words: marks, brackets, list numbers' dots.
_EDGES = " \t\r\n.,;:!?()[]-*"


def score_triplets(
    *,
    predicted_triplets: pl.DataFrame,
    truth_triplets: pl.DataFrame,
    predicted_sentences: pl.DataFrame,
    truth_sentences: pl.DataFrame,
    num_reports: int,
) -> pl.DataFrame:
    """Return precision, recall and F1 by element, over all and per finding.

    A mention is a finding with its words: (study, finding, start, end). Two mentions
    match when study and finding are equal and their words overlap; mentions may match
    several others. Then, with a row for each region of a mention:

        finding    predicted mentions that match one of the truth, and the reverse
        region     among matched mentions: rows whose region a matching mention has
        existence  among matched mentions: mentions with an equal existence
        joint      among all mentions: rows with an equal region and existence
        sentence   sentences with the same first and last word (target "all" only)

    Args:
        predicted_triplets: In the schema TRIPLETS.
        truth_triplets: In the schema TRIPLETS.
        predicted_sentences: In the schema SENTENCES.
        truth_sentences: In the schema SENTENCES.
        num_reports: Reports that were read, those without any triplet included.

    Returns:
        Rows in the schema STAGE_METRICS: `<element>_precision`, `_recall`, `_f1`, each
        with the predicted items (precision) or the items of the truth (recall, F1) as
        `num_items`, and null where these are none; and `triplets_per_report`.
    """
    TRIPLETS.check(predicted_triplets, where="score_triplets(predicted_triplets)")
    TRIPLETS.check(truth_triplets, where="score_triplets(truth_triplets)")
    SENTENCES.check(predicted_sentences, where="score_triplets(predicted_sentences)")
    SENTENCES.check(truth_sentences, where="score_triplets(truth_sentences)")
    predicted = _rows(predicted_triplets)
    truth = _rows(truth_triplets)
    rows = [
        row
        for element, hits in _element_hits(predicted, truth)
        for row in _element_rows(element, *hits)
    ]
    rows.extend(_sentence_rows(predicted_sentences, truth_sentences))
    share = len(predicted_triplets) / num_reports if num_reports else None
    rows.append(_row("triplets_per_report", ALL, share, num_items=num_reports))
    return STAGE_METRICS.frame(rows).sort(STAGE_METRICS.key)


def _rows(triplets: pl.DataFrame) -> pl.DataFrame:
    """Return each distinct (mention, region, existence) once, the enums as texts."""
    columns = [*_MENTION, "region", "existence"]
    return (
        triplets.select(columns)
        .with_columns(pl.col("finding", "region", "existence").cast(pl.String))
        .unique()
        .sort(columns)
    )


def _element_hits(
    predicted: pl.DataFrame, truth: pl.DataFrame
) -> Iterator[tuple[str, tuple[pl.DataFrame, pl.DataFrame]]]:
    """Yield, for each element, the items of both sides and whether each is right."""
    mentions = _with_hits(predicted, truth, ())
    yield "finding", mentions
    matched = [
        rows.join(
            hits.filter(pl.col("is_hit")).select(_MENTION), on=_MENTION, how="semi"
        )
        for rows, hits in zip((predicted, truth), mentions, strict=True)
    ]
    for element, columns in _ELEMENTS.items():
        ours, theirs = (predicted, truth) if element == "joint" else matched
        yield element, _with_hits(ours, theirs, columns)


def _with_hits(
    predicted: pl.DataFrame, truth: pl.DataFrame, columns: tuple[str, ...]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the items of both sides, and whether the other side has each of them."""
    keys = [*_MENTION, *columns]
    ours, theirs = predicted.select(keys).unique(), truth.select(keys).unique()
    return _hits(ours, theirs, columns), _hits(theirs, ours, columns)


def _hits(
    items: pl.DataFrame, others: pl.DataFrame, columns: tuple[str, ...]
) -> pl.DataFrame:
    """Add `is_hit`: whether an item of `others` overlaps and is equal in what counts.

    That is the study, the finding and `columns`.
    """
    keys = [*_MENTION, *columns]
    found = (
        items.join(others, on=["study_id", "finding", *columns], suffix="_other")
        .filter(
            (pl.col("finding_start") < pl.col("finding_end_other"))
            & (pl.col("finding_start_other") < pl.col("finding_end"))
        )
        .select(keys)
        .unique()
        .with_columns(is_hit=pl.lit(value=True))
    )
    return items.join(found, on=keys, how="left").with_columns(
        pl.col("is_hit").fill_null(value=False)
    )


def _element_rows(
    element: str, predicted: pl.DataFrame, truth: pl.DataFrame
) -> Iterator[dict[str, object]]:
    ours, theirs = _counts(predicted), _counts(truth)
    for target in (ALL, *FINDINGS):
        yield from _score_rows(element, target, ours[target], theirs[target])


def _counts(items: pl.DataFrame) -> Mapping[str, tuple[int, int]]:
    """Return how many items are right, and how many there are: over all and by finding."""
    counts = dict.fromkeys((ALL, *FINDINGS), (0, 0))
    counts[ALL] = (int(items["is_hit"].sum()), len(items))
    grouped = items.group_by("finding").agg(pl.col("is_hit").sum(), pl.len())
    return counts | {
        finding: (right, every) for finding, right, every in grouped.rows()
    }


def _score_rows(
    element: str, target: str, predicted: tuple[int, int], truth: tuple[int, int]
) -> Iterator[dict[str, object]]:
    precision = predicted[0] / predicted[1] if predicted[1] else None
    recall = truth[0] / truth[1] if truth[1] else None
    f1 = None
    if precision is not None and recall is not None:
        total = precision + recall
        f1 = 2 * precision * recall / total if total else 0.0
    yield _row(f"{element}_precision", target, precision, num_items=predicted[1])
    yield _row(f"{element}_recall", target, recall, num_items=truth[1])
    yield _row(f"{element}_f1", target, f1, num_items=truth[1])


def _sentence_rows(
    predicted: pl.DataFrame, truth: pl.DataFrame
) -> Iterator[dict[str, object]]:
    ours, theirs = _cores(predicted), _cores(truth)
    both = len(ours.join(theirs, on=["study_id", "start", "end"], how="semi"))
    yield from _score_rows("sentence", ALL, (both, len(ours)), (both, len(theirs)))


def _cores(sentences: pl.DataFrame) -> pl.DataFrame:
    """Return the sentences without the marks at their edges."""
    text = pl.col("text")
    begin = text.str.len_chars() - text.str.strip_chars_start(_EDGES).str.len_chars()
    length = text.str.strip_chars(_EDGES).str.len_chars()
    start = pl.col("start").cast(pl.Int64) + begin.cast(pl.Int64)
    return sentences.select(
        "study_id", start.alias("start"), (start + length.cast(pl.Int64)).alias("end")
    ).unique()
