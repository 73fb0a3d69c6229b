"""What a second parser says of the reports: its tables, and sentences where it differs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import polars as pl

from asg_core.summary.inputs import SummaryInputs, config_at, read_shards
from asg_core.summary.pages.excerpts import (
    MarkedWords,
    SentenceClaim,
    cut_sentence,
    in_order_of_news,
)
from asg_core.summary.sheets.numbers import count_text, percent_text
from asg_core.summary.sheets.sheet import (
    Cell,
    Sheet,
    cells,
    number_columns,
    text_columns,
)
from asg_core.tables.catalog import FINDING, SENTENCES, TRIPLET_COMPARISONS
from asg_core.tables.schema import read_table
from asg_core.terms.differences import Difference
from asg_core.terms.targets import ALL

_LABELS: Mapping[Difference, str] = {
    Difference.NONE: "alike",
    Difference.ONLY_OWN: "only the run's",
    Difference.ONLY_SECOND: "only the second's",
    Difference.EXISTENCE: "existence",
    Difference.SIDE: "side",
    Difference.REGION: "region",
    Difference.CONTEXT: "context",
}
"""What the pages call a difference, in the order of the columns. Claims from sections
that the run does not read are told in a note."""

_OF_WHAT: Mapping[Difference, str] = {
    Difference.EXISTENCE: "existence",
    Difference.SIDE: "regions",
    Difference.REGION: "regions",
    Difference.CONTEXT: "context",
}
"""The part of a claim that a difference is about."""

_READERS = ("own", "second")
_NUM_VALUES = 15
_NUM_SENTENCES = 4
_CANDIDATES = 60
_MAX_LENGTH = 240
"""Characters of a sentence that is shown: longer ones are hard to read at a glance."""

_NOTE = (
    "A claim is a finding in a sentence with its regions. Claims of both whose words overlap, "
    "or else those that follow each other in one sentence, are one; it stands under the first "
    "difference that applies, from left to right. Reports that the second has not read are "
    "left out (the rejects of its stage, on the page Data). Who differs is not who is wrong: "
    "the sheet of check_triplets tells that."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedSentence:
    """A sentence, the words of one finding in it, and what each parser claims of it."""

    study_id: str
    words: tuple[MarkedWords, ...]
    claims: tuple[tuple[str, SentenceClaim | None], ...]
    """Parser and its claim; None where it makes none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDifference:
    """Some sentences about which two parsers differ in the same way."""

    label: str
    sentences: tuple[ComparedSentence, ...]


def parser_names(config: Mapping[str, Any]) -> tuple[str, str]:
    """Return what the pages call the run's parser and the second, from a configuration."""
    own = config_at(config, "reports").get("parser")
    second = config_at(config, "check_triplets", "second_opinion").get("parser")
    return own or "the run", second or "the second"


def compared_sheets(inputs: SummaryInputs) -> list[Sheet]:
    """Return how often two parsers differ, by finding and by what they say.

    There is nothing where no second opinion was asked for, and no table of what they say
    where they differ in nothing that both claim.
    """
    paths = inputs.tables.get(TRIPLET_COMPARISONS.name, ())
    if not paths:
        return []
    counts: list[pl.DataFrame] = []
    values: list[pl.DataFrame] = []
    for path in paths:
        rows = read_table(path, schema=TRIPLET_COMPARISONS)
        counts.append(
            rows.group_by("finding", "difference").agg(
                num_claims=pl.len().cast(pl.Int64)
            )
        )
        values.extend(_values(rows, difference) for difference in _OF_WHAT)
    own, second = parser_names(inputs.config)
    by_finding = (
        pl.concat(counts)
        .group_by("finding", "difference")
        .agg(pl.sum("num_claims"))
        .sort("finding", "difference")
    )
    said = (
        pl.concat(values)
        .group_by("difference", "own", "second")
        .agg(pl.sum("num_claims"))
        .sort(
            "num_claims",
            "difference",
            "own",
            "second",
            descending=[True, False, False, False],
        )
    )
    sheets = [_findings_sheet(by_finding, own=own, second=second)]
    return (
        [*sheets, _values_sheet(said, own=own, second=second)] if len(said) else sheets
    )


def compared_claims(
    inputs: SummaryInputs, *, num_sentences: int
) -> list[ShownDifference]:
    """Return sentences about which two parsers differ, some of each difference.

    No sentence is shown twice for one difference, in whatever reports it stands. Different
    findings come first; of equal ones the shorter. Only as many shards are read as give
    enough candidates.

    Args:
        inputs: The tables `triplet_comparisons` and `sentences`; without them there are
            none.
        num_sentences: The most sentences of a difference; more than a few are not shown.
    """
    if num_sentences == 0 or not inputs.tables.get(TRIPLET_COMPARISONS.name):
        return []
    names = parser_names(inputs.config)
    shown = []
    for difference, rows in _candidates(inputs).items():
        chosen = in_order_of_news(
            rows,
            kinds=_kinds,
            rank=lambda row: (len(row["text"]), row["study_id"], row["claim_index"]),
            source=lambda row: row["text"],
        )
        sentences = tuple(
            _show(row, names=names)
            for row in islice(chosen, min(num_sentences, _NUM_SENTENCES))
        )
        if sentences:
            shown.append(
                ShownDifference(
                    label=_label(difference, names=names), sentences=sentences
                )
            )
    return shown


def _values(rows: pl.DataFrame, difference: Difference) -> pl.DataFrame:
    """Return what the two say where they differ in this, with counts."""
    part = _OF_WHAT[difference]
    texts = [_text(f"{reader}_{part}").alias(reader) for reader in _READERS]
    return (
        rows.filter(pl.col("difference") == difference.value)
        .select(pl.col("difference").cast(pl.String), *texts)
        .group_by("difference", *_READERS)
        .agg(num_claims=pl.len().cast(pl.Int64))
    )


def _text(column: str) -> pl.Expr:
    if not column.endswith("_regions"):
        return pl.col(column).cast(pl.String)
    return pl.col(column).list.eval(pl.element().cast(pl.String)).list.join(", ")


def _findings_sheet(counts: pl.DataFrame, *, own: str, second: str) -> Sheet:
    """Return the counts by finding, those that differ most often first."""
    rows: dict[str, dict[str, int]] = {}
    for finding, difference, number in counts.iter_rows():
        rows.setdefault(finding, {})[difference] = number
    outside = sum(row.pop(Difference.OUTSIDE.value, 0) for row in rows.values())
    rows = {finding: row for finding, row in rows.items() if row}

    def differing(finding: str) -> int:
        row = rows[finding]
        return sum(row.values()) - row.get(Difference.NONE.value, 0)

    order = {name: place for place, name in enumerate(FINDING.categories)}
    total = {
        one.value: sum(row.get(one.value, 0) for row in rows.values())
        for one in _LABELS
    }
    notes = [_NOTE]
    if outside:
        notes.append(
            f"{count_text(outside)} more of {second} stand in sections that the run does "
            "not read (reports.sections)."
        )
    return Sheet(
        name="compared_triplets",
        caption=f"Claims of {own} (the run's) and of {second}, and where they differ.",
        columns=(
            *text_columns("Finding"),
            *number_columns(
                "Claims", "Alike, %", *(_LABELS[one].capitalize() for one in _LABELS)
            ),
        ),
        rows=tuple(
            _counts_row(finding, rows[finding])
            for finding in sorted(
                rows, key=lambda name: (-differing(name), order[name])
            )
        ),
        footer=_counts_row(ALL, total) if len(rows) > 1 else None,
        data=counts,
        notes=tuple(notes),
    )


def _counts_row(name: str, row: Mapping[str, int]) -> tuple[Cell, ...]:
    every = sum(row.values())
    alike = row.get(Difference.NONE.value, 0)
    share = percent_text(alike / every) if every else None
    numbers = [count_text(row.get(one.value, 0)) for one in _LABELS]
    return cells([name, count_text(every), share, *numbers])


def _values_sheet(said: pl.DataFrame, *, own: str, second: str) -> Sheet:
    """Return what stands against what, the most frequent first."""
    shown = said.head(_NUM_VALUES)
    left = len(said) - len(shown)
    return Sheet(
        name="compared_claims",
        caption="What the two say where both claim a finding, and not the same.",
        columns=(*text_columns("Differs in", own, second), *number_columns("Claims")),
        rows=tuple(
            cells([*texts, count_text(number)]) for *texts, number in shown.iter_rows()
        ),
        data=said,
        notes=(f"And {count_text(left)} more, in the files.",) if left else (),
    )


def _candidates(inputs: SummaryInputs) -> dict[Difference, list[dict[str, Any]]]:
    """Return claims that differ, with their sentences, some of each difference."""
    found: dict[Difference, list[dict[str, Any]]] = {
        one: [] for one in _LABELS if one is not Difference.NONE
    }
    for shard in read_shards(inputs, (TRIPLET_COMPARISONS, SENTENCES)):
        short = (
            shard[SENTENCES.name]
            .filter(pl.col("text").str.len_chars() <= _MAX_LENGTH)
            .select("study_id", "sentence_index", "start", "text")
        )
        rows = shard[TRIPLET_COMPARISONS.name].join(
            short, on=["study_id", "sentence_index"]
        )
        for difference, known in found.items():
            wanted = (
                rows.filter(pl.col("difference") == difference.value)
                .filter(~pl.col("text").is_in([row["text"] for row in known]))
                .sort(TRIPLET_COMPARISONS.key)
                .unique(["finding", "text"], keep="first", maintain_order=True)
                .head(_CANDIDATES - len(known))
            )
            known.extend(wanted.iter_rows(named=True))
        if all(len(known) >= _CANDIDATES for known in found.values()):
            break
    return found


def _kinds(row: Mapping[str, Any]) -> set[str]:
    return {
        row["finding"],
        *(f"{reader} {row[f'{reader}_existence']}" for reader in _READERS),
    }


def _label(difference: Difference, *, names: Sequence[str]) -> str:
    match difference:
        case Difference.ONLY_OWN:
            return f"Only {names[0]} claims it"
        case Difference.ONLY_SECOND:
            return f"Only {names[1]} claims it"
    return f"Another {_LABELS[difference]}"


def _show(row: Mapping[str, Any], *, names: Sequence[str]) -> ComparedSentence:
    """Return the sentence of a row of TRIPLET_COMPARISONS, with both claims."""
    return ComparedSentence(
        study_id=row["study_id"],
        words=tuple(cut_sentence(row["text"], spans=list(_spans(row)))),
        claims=tuple(
            (name, _claim(row, reader))
            for name, reader in zip(names, _READERS, strict=True)
        ),
    )


def _spans(row: Mapping[str, Any]) -> Iterator[tuple[int, int, str, int]]:
    for index, reader in enumerate(_READERS):
        start, end = row[f"{reader}_start"], row[f"{reader}_end"]
        if start is not None:
            yield start - row["start"], end - row["start"], "finding", index


def _claim(row: Mapping[str, Any], reader: str) -> SentenceClaim | None:
    if row[f"{reader}_existence"] is None:
        return None
    return SentenceClaim(
        finding=row["finding"],
        regions=tuple(row[f"{reader}_regions"]),
        existence=row[f"{reader}_existence"],
        context=row[f"{reader}_context"],
    )
