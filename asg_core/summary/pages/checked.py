"""What a person judged of the triplets: its tables on a page, and as a page of its own."""

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from asg_core.checking.elements import ELEMENTS, JOINT, JOINT_NOW
from asg_core.summary.sheets.formats import markdown
from asg_core.summary.sheets.numbers import count_text, percent_text
from asg_core.summary.sheets.sheet import (
    Cell,
    Sheet,
    cells,
    missing_cell,
    number_columns,
    text_columns,
)
from asg_core.terms.findings import FINDINGS
from asg_core.terms.targets import ALL

Row = Mapping[str, Any]
"""A row of TRIPLET_SCORES."""

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


def checked_page(
    scores: pl.DataFrame, confusions: pl.DataFrame, *, facts: Iterable[str]
) -> str:
    """Return the page that the target `check_triplets` writes, as Markdown.

    Args:
        scores: Rows of TRIPLET_SCORES.
        confusions: Rows of TRIPLET_CONFUSIONS.
        facts: Sentences about the sheet, as `sheet_facts` yields them.
    """
    told = "\n".join(f"- {fact}" for fact in facts)
    tables = [markdown(sheet) for sheet in checked_sheets(scores, confusions)]
    if confusions.is_empty():
        tables.append("Every judged triplet is right, and none was missed.\n")
    return "\n".join(["# Triplets checked by a person\n", f"{told}\n", *tables])


def checked_sheets(scores: pl.DataFrame, confusions: pl.DataFrame) -> list[Sheet]:
    """Return the scores that a person's marks gave, and what is confused.

    There is nothing where no sheet was marked, and no table of confusions where there
    are none.

    Args:
        scores: Rows of TRIPLET_SCORES.
        confusions: Rows of TRIPLET_CONFUSIONS.
    """
    if scores.is_empty():
        return []
    sheets = [_scores_sheet(scores)]
    if len(confusions):
        sheets.append(_confusions_sheet(confusions))
    single = scores.filter(pl.col("target") != ALL, pl.col("element") == JOINT)
    return [*sheets, _targets_sheet(single)] if len(single) else sheets


def _scores_sheet(scores: pl.DataFrame) -> Sheet:
    """Return the scores over all targets, of the sample and of the corpus."""
    rows = {
        (row["element"], row["metric"]): row
        for row in scores.filter(pl.col("target") == ALL).iter_rows(named=True)
    }
    elements = {element: element for element in (*ELEMENTS, JOINT)}
    if any(
        rows[JOINT_NOW, metric]["value"] != rows[JOINT, metric]["value"]
        for metric in _METRICS
        if (JOINT_NOW, metric) in rows
    ):
        elements[JOINT_NOW] = "joint, triplets of this run"
    body = []
    for element, label in elements.items():
        of_element = [rows[element, metric] for metric in _METRICS]
        counts = [count_text(row["num_items"]) for row in of_element[:2]]
        for values in _VALUES:
            head = [label, values] if values == "sample" else ["", values]
            support = counts if values == "sample" else ["", ""]
            scored = [_cell(row, values=values) for row in of_element]
            body.append((*cells(head), *scored, *cells(support)))
    return Sheet(
        name="checked_triplets",
        caption="Triplets that a person judged, in %.",
        columns=(
            *text_columns("Element", "Of"),
            *number_columns(
                "Precision", "Recall", "F1", "Rows judged", "True triplets"
            ),
        ),
        rows=tuple(body),
        data=scores,
        num_row_heads=2,
        notes=(_NOTE,),
    )


def _confusions_sheet(confusions: pl.DataFrame) -> Sheet:
    """Return what stands for what, the most frequent first."""
    worst = confusions.sort(
        "num_items",
        "element",
        "proposed",
        "truth",
        descending=[True, False, False, False],
    )
    shown = worst.head(_NUM_CONFUSIONS)
    left = len(worst) - len(shown)
    return Sheet(
        name="checked_confusions",
        caption="What was proposed where a person found something else.",
        columns=(
            *text_columns("Element", "Proposed", "True"),
            *number_columns("Rows"),
        ),
        rows=tuple(
            cells([*names, count_text(number)]) for *names, number in shown.iter_rows()
        ),
        data=worst,
        notes=(f"And {left} more, in the files.",) if left else (),
    )


def _targets_sheet(scores: pl.DataFrame) -> Sheet:
    """Return existences, then findings, those with most rows first."""
    rows: dict[str, dict[str, Row]] = {}
    for row in scores.iter_rows(named=True):
        rows.setdefault(row["target"], {})[row["metric"]] = row

    def place(target: str) -> tuple[bool, int, str]:
        num_rows = sum(rows[target][metric]["num_items"] for metric in _METRICS[:2])
        return target in FINDINGS, -num_rows, target

    return Sheet(
        name="checked_by_target",
        caption="By existence and by finding, all three elements right, in %.",
        columns=(
            *text_columns("Target"),
            *number_columns("Precision", "Rows judged", "Recall", "True triplets"),
        ),
        rows=tuple(
            (
                Cell(text=target),
                *(
                    cell
                    for row in (rows[target][metric] for metric in _METRICS[:2])
                    for cell in (
                        _cell(row, values="sample"),
                        Cell(text=count_text(row["num_items"])),
                    )
                ),
            )
            for target in sorted(rows, key=place)
        ),
        data=scores,
    )


def _cell(row: Row, *, values: str) -> Cell:
    """Return a score of the sample or of the corpus, with its interval."""
    value, low, high = (row[column] for column in _VALUES[values])
    if value is None:
        return missing_cell("undefined: there is nothing that it is over")
    interval = "" if low is None else f"[{percent_text(low)}, {percent_text(high)}]"
    return Cell(text=percent_text(value), small=interval)
