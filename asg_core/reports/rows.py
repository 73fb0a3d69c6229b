"""Collect what parsers read into the tables SENTENCES and TRIPLETS."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
import polars as pl
from numpy.typing import NDArray

from asg_core.reports.grammar.claims import Claim
from asg_core.reports.parsers.parser import Span
from asg_core.tables.catalog import SENTENCES, TRIPLETS

# The offsets of a claim, in the order of the table, and the attribute that holds them.
_SPANS = {
    "span": ("finding_start", "finding_end"),
    "place": ("place_start", "place_end"),
    "cue": ("cue_start", "cue_end"),
}
_NOWHERE = (None, None)


class ReportRows:
    """The rows of some reports, column by column.

    Parsers return the same object for a sentence that they have read before. Its claims
    are laid out once; all else is done by index, for all rows at a time.
    """

    def __init__(self) -> None:
        self._study_ids: list[str] = []
        self._indices: list[int] = []
        self._sections: list[str] = []
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._texts: list[str] = []
        self._reads: list[tuple[Claim, ...]] = []
        self._number_of: dict[int, int] = {}  # by identity; `_reads` keeps them alive
        self._numbers: list[int] = []

    def add(
        self,
        study_id: str,
        text: str,
        sections: Sequence[tuple[str, Sequence[Span]]],
        reads: Sequence[tuple[Claim, ...]],
    ) -> None:
        """Append one report: its sentences by section, and the claims of each."""
        for name, spans in sections:
            self._sections.extend([name] * len(spans))
            for start, end in spans:
                self._starts.append(start)
                self._ends.append(end)
                self._texts.append(text[start:end])
        self._study_ids.extend([study_id] * len(reads))
        self._indices.extend(range(len(reads)))
        for claims in reads:
            number = self._number_of.setdefault(id(claims), len(self._reads))
            if number == len(self._reads):
                self._reads.append(claims)
            self._numbers.append(number)

    def sentences(self) -> pl.DataFrame:
        """Return the table SENTENCES, in reading order."""
        return pl.DataFrame(
            {
                "study_id": self._study_ids,
                "sentence_index": self._indices,
                "section": self._sections,
                "start": self._starts,
                "end": self._ends,
                "text": self._texts,
            },
            schema=dict(SENTENCES.columns),
        )

    def triplets(self, parser: str) -> pl.DataFrame:
        """Return the table TRIPLETS, offsets moved to the report's text."""
        rows, counts = self._claim_rows()
        numbers = np.asarray(self._numbers, dtype=np.int64)
        per_sentence = counts[numbers]
        sentences = np.repeat(np.arange(len(numbers)), per_sentence)
        first = np.cumsum(counts) - counts  # of each read, in `rows`
        begin = np.cumsum(per_sentence) - per_sentence  # of each sentence, in the table
        within = np.arange(len(sentences)) - begin[sentences]
        keys: pl.DataFrame = pl.DataFrame(
            {
                "study_id": self._study_ids,
                "sentence_index": self._indices,
                "shift": self._starts,
            },
            schema={
                "study_id": pl.String,
                "sentence_index": pl.Int32,
                "shift": pl.Int32,
            },
        )[sentences]
        claims: pl.DataFrame = rows[first[numbers][sentences] + within]
        offsets = [name for names in _SPANS.values() for name in names]
        return (
            pl.concat([keys, claims], how="horizontal")
            .with_columns(pl.col(offsets) + pl.col("shift"), parser=pl.lit(parser))
            .select(list(TRIPLETS.columns))
        )

    def _claim_rows(self) -> tuple[pl.DataFrame, NDArray[np.int64]]:
        """Return one row per claim and region of each read, and the rows of each."""
        claims = list(chain.from_iterable(self._reads))
        columns: dict[str, list[object]] = {
            "finding": [claim.finding for claim in claims],
            "existence": [claim.existence.value for claim in claims],
            "context": [claim.context.value for claim in claims],
        }
        for attribute, (start, end) in _SPANS.items():
            spans = [getattr(claim, attribute) or _NOWHERE for claim in claims]
            columns[start] = [span[0] for span in spans]
            columns[end] = [span[1] for span in spans]
        types = TRIPLETS.columns
        frame = pl.DataFrame(columns, schema={name: types[name] for name in columns})
        repeats = [len(claim.regions) for claim in claims]
        regions = pl.Series(
            "region",
            list(chain.from_iterable(claim.regions for claim in claims)),
            dtype=types["region"],
        )
        of_claim = np.repeat(np.arange(len(claims)), repeats)
        counts = [sum(len(claim.regions) for claim in read) for read in self._reads]
        return frame[of_claim].with_columns(regions), np.asarray(counts, dtype=np.int64)
