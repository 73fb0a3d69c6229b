"""TRIPLET_SCORES and TRIPLET_CONFUSIONS -> sheets."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from asg_core.summary.inputs import SummaryInputs
from asg_core.summary.sheets.numbers import MISSING, count_text, percent_text
from asg_core.summary.sheets.sheet import (
    Cell,
    Sheet,
    cells,
    number_columns,
    text_columns,
)
from asg_core.tables.catalog import TRIPLET_CONFUSIONS, TRIPLET_SCORES
from asg_core.tables.schema import read_tables

Row = Mapping[str, Any]

_ALL = "all"
_ELEMENTS = ("finding", "region", "existence", "joint")
_NOW = ("joint_now",)
"""Of the triplets that the run has now, which the sheet need not have been drawn from."""

_METRICS = ("precision", "recall", "f1")
_VALUES = {
    "sample": ("value", "ci_low", "ci_high"),
    "corpus": ("corpus_value", "corpus_low", "corpus_high"),
}
_NUM_CONFUSIONS = 12
_NOTE = (
    "Precision is over the rows that were judged, recall over the true triplets of the "
    "reports that were read to the end. In brackets 95 % intervals: Wilson's for precision "
    "and recall, a bootstrap over reports for F1. Sample: the judged rows as they are. "
    "Corpus: each report weighted by how many it stands for."
)


def checked_sheets(inputs: SummaryInputs) -> list[Sheet]:
    """Return the scores that a person's marks gave, and what is confused.

    Nothing where no sheet was marked; no confusions where there are none.
    """
    scores = read_tables(
        inputs.tables.get(TRIPLET_SCORES.name, ()), schema=TRIPLET_SCORES
    )
    confusions = read_tables(
        inputs.tables.get(TRIPLET_CONFUSIONS.name, ()), schema=TRIPLET_CONFUSIONS
    )
    sheets = [] if scores.is_empty() else [_scores_sheet(scores)]
    return sheets if confusions.is_empty() else [*sheets, _confusions_sheet(confusions)]


def _scores_sheet(scores: pl.DataFrame) -> Sheet:
    rows = {
        (row["element"], row["metric"]): row
        for row in scores.filter(pl.col("target") == _ALL).iter_rows(named=True)
    }
    return Sheet(
        name="checked_triplets",
        caption="Triplets that a person judged, in %.",
        columns=(
            *text_columns("Element", "Of"),
            *number_columns(
                "Precision", "Recall", "F1", "Rows judged", "True triplets"
            ),
        ),
        rows=tuple(
            (
                Cell(text=_label(element) if values == "sample" else ""),
                Cell(text=values),
                *(_cell(rows[element, metric], values=values) for metric in _METRICS),
                *(
                    _count_cell(rows[element, one], values=values)
                    for one in _METRICS[:2]
                ),
            )
            for element in (*_ELEMENTS, *_NOW)
            if (element, "f1") in rows and not _is_repeated(element, rows)
            for values in _VALUES
        ),
        data=scores,
        num_row_heads=2,
        notes=(_NOTE,),
    )


def _is_repeated(element: str, rows: Mapping[tuple[str, str], Row]) -> bool:
    """Whether the run's triplets score what those of the sheet do."""
    return element in _NOW and all(
        rows[element, metric]["value"] == rows["joint", metric]["value"]
        for metric in _METRICS
    )


def _label(element: str) -> str:
    return "joint, triplets of this run" if element in _NOW else element


def _confusions_sheet(confusions: pl.DataFrame) -> Sheet:
    worst = confusions.sort(
        "num_items",
        "element",
        "proposed",
        "truth",
        descending=[True, False, False, False],
    )
    left = len(worst) - _NUM_CONFUSIONS
    return Sheet(
        name="checked_confusions",
        caption="What was proposed where a person found something else.",
        columns=(
            *text_columns("Element", "Proposed", "True"),
            *number_columns("Rows"),
        ),
        rows=tuple(
            cells([element, proposed, truth, count_text(number)])
            for element, proposed, truth, number in worst.head(
                _NUM_CONFUSIONS
            ).iter_rows()
        ),
        data=worst,
        notes=(f"And {left} more, in the files.",) if left > 0 else (),
    )


def _cell(row: Row, *, values: str) -> Cell:
    value, low, high = (row[column] for column in _VALUES[values])
    if value is None:
        why = "undefined: there is nothing that it is over"
        return Cell(text=MISSING, why=why, is_muted=True)
    interval = "" if low is None else f"[{percent_text(low)}, {percent_text(high)}]"
    return Cell(text=percent_text(value), small=interval)


def _count_cell(row: Row, *, values: str) -> Cell:
    return Cell(text=count_text(row["num_items"]) if values == "sample" else "")
