"""Judged triplets -> precision, recall and F1 with intervals, and what is confused."""

import math
from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from asg_core.checking.elements import ELEMENTS, JOINT, JOINT_NOW
from asg_core.checking.marks import FilledSheet
from asg_core.tables.catalog import TRIPLET_CONFUSIONS, TRIPLET_SCORES
from asg_core.terms.existence import Existence
from asg_core.terms.findings import FINDINGS
from asg_core.terms.stages import Stage
from asg_core.terms.targets import ALL

# Shape suffixes: R reports, C counts of `_COUNTS`, B bootstrap draws
Floats = NDArray[np.float64]

STAGE = Stage.SCORE_TRIPLET_SHEET

NO_CLAIM = "no claim"
"""The truth of a proposed triplet that the sentence does not make."""

NOT_PROPOSED = "not proposed"
"""What was proposed for a missed triplet."""

NOT_SAID = "not said"
"""The truth of a wrong element that nobody has corrected."""

_VALUES = ("value", "ci_low", "ci_high", "corpus_value", "corpus_low", "corpus_high")
_Z = 1.959963984540054  # the normal quantile of 97.5 %
_NUM_DRAWS = 2000
_COUNTS = ("right", "proposed", "found", "true")
# right / proposed is precision, over all judged reports; found / true is recall, over
# those that were read to the end.


def wilson_interval(num_right: float, num_items: float) -> tuple[float, float]:
    """Return the 95 % Wilson score interval of a share; items need not be whole.

    It stays inside [0, 1] and does not shrink to a point where all or none are right:

        centre = (p + z^2 / 2n) / (1 + z^2 / n)
        half width = z / (1 + z^2 / n) * sqrt(p (1 - p) / n + z^2 / 4n^2)

    Raises:
        ValueError: If there are no items.
    """
    if num_items <= 0:
        raise ValueError(
            f"wilson_interval: expected at least one item, found {num_items}"
        )
    share = num_right / num_items
    scale = 1 + _Z**2 / num_items
    centre = (share + _Z**2 / (2 * num_items)) / scale
    half = _Z * math.sqrt(share * (1 - share) / num_items + _Z**2 / (4 * num_items**2))
    # Rounding must move neither edge out of [0, 1], nor off the share of none or all.
    low = 0.0 if num_right <= 0 else max(centre - half / scale, 0.0)
    high = 1.0 if num_right >= num_items else min(centre + half / scale, 1.0)
    return low, high


def score_sheet(sheet: FilledSheet, *, seed: int) -> pl.DataFrame:
    """Return TRIPLET_SCORES of a marked sheet.

    The unit is a row: a finding with two regions is two. An element of a proposed row is
    right by its own, whatever the other elements are; `joint` is all three. The loop:

        precision = right proposed rows / judged proposed rows
        recall    = right proposed rows / (proposed rows with a claim + missed rows),
                    in reports that were read to the end
        f1        = the harmonic mean of the two

    A finding as target has the precision of the rows that propose it and the recall of
    the rows whose truth it is; an existence likewise. `value` is of the sample;
    `corpus_value` weights each row by how many reports of the corpus its report stands
    for. Intervals are of Wilson for precision and recall, with the effective number of
    items (Kish) for the corpus; F1 is no share of items, so its interval is the
    percentiles of a bootstrap over reports. Rows of one report are not independent:
    where a report's rows are alike, Wilson's are a little too narrow.

    Args:
        sheet: The marked sheet.
        seed: The seed of the bootstrap.
    """
    times_BR = _bootstrap(sheet.claims["study_id"].n_unique(), seed=seed)
    rows: list[dict[str, object]] = []
    for element in (*ELEMENTS, JOINT):
        for target in (ALL, *FINDINGS, *(member.value for member in Existence)):
            counts_RC, weight_R = _report_counts(
                sheet.claims, element=element, target=target
            )
            if target == ALL or counts_RC.any():
                rows += _score_rows(
                    element, target, counts_RC, weight_R, times_BR=times_BR
                )
    return TRIPLET_SCORES.frame(rows).sort(TRIPLET_SCORES.key)


def score_current(
    sheet: FilledSheet, triplets: pl.DataFrame, *, seed: int
) -> pl.DataFrame:
    """Return TRIPLET_SCORES of other triplets against what the marks say is true.

    So a sheet that is marked once scores every later parser. The element is `JOINT_NOW`,
    over the reports that are read to the end with a verdict on every row. A triplet is
    right when the truth has one of the same study, finding, region and existence, each of
    the truth's once; words are not compared. A wrong row without its correction is a truth
    that nothing can meet.

    Args:
        sheet: The marked sheet.
        triplets: Rows of TRIPLETS; those of other studies are left out.
        seed: The seed of the bootstrap.
    """
    reports = sheet.reports.filter("is_settled").sort("study_id")
    truth = sheet.claims.filter("is_true").select(
        "study_id", *(pl.col(f"true_{one}").alias(one) for one in ELEMENTS)
    )
    counts = [
        table.select("study_id", pl.col(ELEMENTS).cast(pl.String))
        .group_by("study_id", *ELEMENTS)
        .len(name)
        for name, table in (("true", truth), ("proposed", triplets))
    ]
    both = counts[0].join(counts[1], on=["study_id", *ELEMENTS])
    both = both.with_columns(right=pl.min_horizontal("true", "proposed"))
    table = reports
    for name, rows in (("right", both), ("proposed", counts[1]), ("true", counts[0])):
        sums = rows.group_by("study_id").agg(pl.sum(name))
        table = table.join(sums, on="study_id", how="left", maintain_order="left")
    columns = ("right", "proposed", "right", "true")
    counts_RC = np.stack(
        [table[name].fill_null(0).to_numpy().astype(np.float64) for name in columns],
        axis=1,
    )
    rows_out = _score_rows(
        JOINT_NOW,
        ALL,
        counts_RC,
        table["weight"].to_numpy(),
        times_BR=_bootstrap(len(table), seed=seed),
    )
    return TRIPLET_SCORES.frame(rows_out).sort(TRIPLET_SCORES.key)


def find_confusions(sheet: FilledSheet) -> pl.DataFrame:
    """Return TRIPLET_CONFUSIONS: what was proposed where something else is true.

    A claim that the sentence does not make counts once, for its finding, and so does a
    triplet that was missed.
    """
    counts = [_confusions(sheet.claims, element) for element in ELEMENTS]
    rows = pl.concat(counts).group_by("element", "proposed", "truth").len("num_items")
    return rows.select(
        pl.col(name).cast(dtype) for name, dtype in TRIPLET_CONFUSIONS.columns.items()
    ).sort(TRIPLET_CONFUSIONS.key)


def stage_metrics_of(scores: pl.DataFrame) -> pl.DataFrame:
    """Return the values of TRIPLET_SCORES as rows of STAGE_METRICS."""
    return scores.select(
        stage=pl.lit(STAGE),
        metric=pl.col("element") + "_" + pl.col("metric"),
        target=pl.col("target"),
        value=pl.col("value"),
        num_items=pl.col("num_items"),
    )


def _confusions(claims: pl.DataFrame, element: str) -> pl.DataFrame:
    is_lost = ~pl.col("is_true") | ~pl.col("is_proposed")
    is_wrong = ~pl.col(f"is_right_{element}")
    counted = is_wrong if element == "finding" else is_wrong & ~is_lost
    truth = pl.col(f"true_{element}").fill_null(NOT_SAID)
    return claims.filter(counted).select(
        element=pl.lit(element),
        proposed=pl.col(f"proposed_{element}").fill_null(NOT_PROPOSED),
        truth=pl.when(pl.col("is_true")).then(truth).otherwise(pl.lit(NO_CLAIM)),
    )


def _score_rows(
    element: str,
    target: str,
    counts_RC: Floats,
    weight_R: Floats,
    *,
    times_BR: NDArray[np.int64],
) -> Iterator[dict[str, object]]:
    total_C = counts_RC.sum(axis=0)
    weighted_RC = counts_RC * weight_R[:, None]
    shared = {"element": element, "target": target}
    for metric, above, below in (("precision", 0, 1), ("recall", 2, 3)):
        num_items = int(total_C[below])
        values = _share_values(
            total_C[above], total_C[below], weighted_RC[:, (above, below)], weight_R
        )
        yield shared | {"metric": metric, "num_items": num_items} | values
    values = _f1_values((counts_RC, weighted_RC), times_BR=times_BR)
    yield shared | {"metric": "f1", "num_items": int(total_C[3])} | values


def _report_counts(
    claims: pl.DataFrame, *, element: str, target: str
) -> tuple[Floats, Floats]:
    """Return `_COUNTS` of each report, and its weight; see `score_sheet`."""
    right = pl.all_horizontal(f"is_right_{one}" for one in ELEMENTS)
    if element != JOINT:
        right = pl.col(f"is_right_{element}")
    is_proposed, is_true = pl.col("is_proposed"), pl.col("is_true")
    if target != ALL:
        # Null is no truth that anybody has named: it is of no target.
        part = "finding" if target in FINDINGS else "existence"
        is_proposed &= (pl.col(f"proposed_{part}") == target).fill_null(value=False)
        is_true &= (pl.col(f"true_{part}") == target).fill_null(value=False)
    is_complete = pl.col("is_complete")
    table = (
        claims.group_by("study_id")
        .agg(
            (is_proposed & right).sum().alias("right"),
            is_proposed.sum().alias("proposed"),
            (is_true & right & is_complete).sum().alias("found"),
            (is_true & is_complete).sum().alias("true"),
            pl.first("weight"),
        )
        .sort("study_id")
    )
    counts_RC = table.select(_COUNTS).to_numpy().astype(np.float64)
    return counts_RC.reshape(-1, len(_COUNTS)), table["weight"].to_numpy()


def _share_values(
    above: float, below: float, weighted_R2: Floats, weight_R: Floats
) -> dict[str, float | None]:
    """Return a share and its corpus value, each with its interval; null of nothing."""
    if not below:
        return dict.fromkeys(_VALUES)
    low, high = wilson_interval(above, below)
    weighted = weighted_R2.sum(axis=0)
    # Kish: (sum of weights)^2 / sum of squared weights, over the items.
    num_effective = weighted[1] ** 2 / (weighted_R2[:, 1] * weight_R).sum()
    share = weighted[0] / weighted[1]
    corpus_low, corpus_high = wilson_interval(share * num_effective, num_effective)
    values = (above / below, low, high, share, corpus_low, corpus_high)
    return dict(zip(_VALUES, map(float, values), strict=True))


def _bootstrap(num_reports: int, *, seed: int) -> NDArray[np.int64]:
    """Return how often each report is in each draw of as many, with replacement."""
    drawn_BR = np.random.default_rng(seed).integers(
        max(num_reports, 1), size=(_NUM_DRAWS, num_reports)
    )
    times_BR = np.zeros((_NUM_DRAWS, num_reports), dtype=np.int64)
    np.add.at(times_BR, (np.arange(_NUM_DRAWS)[:, None], drawn_BR), 1)
    return times_BR


def _f1_values(
    tables: tuple[Floats, Floats], *, times_BR: NDArray[np.int64]
) -> dict[str, float | None]:
    """Return F1 of the sample and of the corpus, each with the interval of its draws."""
    values: list[float | None] = []
    for table_RC in tables:
        value = float(_f1(table_RC.sum(axis=0)))
        if math.isnan(value):
            values += [None, None, None]
        elif len(table_RC) < 2:
            # One report says nothing about how reports differ.
            values += [value, None, None]
        else:
            draws_B = _f1(times_BR @ table_RC)
            values += [value, *map(float, np.nanpercentile(draws_B, [2.5, 97.5]))]
    return dict(zip(_VALUES, values, strict=True))


def _f1(counts: Floats) -> Floats:
    """Return the harmonic mean over the last axis, NaN where one of the two is undefined."""
    right, proposed, found, true = np.moveaxis(counts, -1, 0)
    is_defined = (proposed > 0) & (true > 0)
    precision = right / np.where(is_defined, proposed, 1)
    recall = found / np.where(is_defined, true, 1)
    total = precision + recall
    f1 = 2 * precision * recall / np.where(total > 0, total, 1)
    return np.where(is_defined, f1, np.nan)
