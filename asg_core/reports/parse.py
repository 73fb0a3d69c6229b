"""Reports -> sentences, triplets, rejects: the entry function of the report side.

Conventions that every parser of the package follows:

- One row per region: "bibasilar opacities" are two rows, with the same words.
- A finding that names no place is where such findings are by definition
  (`lexicon_data/finding_places.tsv`): the heart for cardiomegaly, the costophrenic angle
  for an effusion, the apical zone for a pneumothorax, a lung for what is in the lungs.
- A denial without a side denies both sides. A present finding without a side is
  `unspecified`, unless a plural ("effusions", "lungs") or its nature (edema) spreads it.
- "Retrocardiac" and "lingula" are on the left, "middle lobe" is on the right.
- "Lungs are clear" denies opacity; a normal cardiac silhouette denies cardiomegaly; a
  normal cardiomediastinal one denies an enlarged cardiomediastinum too.
- A pacemaker is also a device. Air and fluid in the pleural space are two findings.
- A line, tube or other device that names no region is where its tip is; a tip in a great
  vein whose device was blanked by de-identification is a line's. A tip that is not seen
  is no claim.
- "This", "it" and the like at the start of a sentence take the place of the one before.
- Questions, plans and limits of the study ("evaluate for", "recommend", "cannot be
  assessed") are no claims. What has been removed or has resolved is absent, in the
  context `removal`.
"""

import logging
import re
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import polars as pl

from asg_core.reports.abbreviations import defined_abbreviations
from asg_core.reports.claims import Claim
from asg_core.reports.config import ReportsConfig
from asg_core.reports.lexicon import Entry
from asg_core.reports.lexicon_files import shared_lexicon
from asg_core.reports.reader import read_claims
from asg_core.reports.sections import split_sections
from asg_core.reports.sentences import split_sentences
from asg_core.reports.zones import zones_of
from asg_core.tables.catalog import REJECTS, SENTENCES, TRIPLETS
from asg_core.terms.existence import Context, Existence

logger = logging.getLogger(__name__)

STAGE = "extract_triplets"
DEFAULT_CONFIG = ReportsConfig()
# Reports repeat themselves: half of all sentences have been read before. The limits
# keep the memory of a job flat, whatever it reads.
_CACHED_SENTENCES = 32_768
_CACHED_CHARS = 400
# A text of which more than this share is control characters is no text.
_MAX_BINARY_SHARE = 0.05
_BINARY = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufffd]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedReports:
    """The tables SENTENCES, TRIPLETS and REJECTS of a set of reports."""

    sentences: pl.DataFrame
    triplets: pl.DataFrame
    rejects: pl.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What one sentence says, with offsets from its start.

    `columns` holds its triplets, one tuple for each of `_CLAIM_COLUMNS`.
    """

    claims: tuple[Claim, ...]
    columns: tuple[tuple[object, ...], ...]
    is_anaphoric: bool


_CLAIM_COLUMNS = (
    "region",
    "finding",
    "existence",
    "context",
    "finding_start",
    "finding_end",
    "place_start",
    "place_end",
    "cue_start",
    "cue_end",
)
_OFFSETS = _CLAIM_COLUMNS[4:]


class _Rows:
    """The rows of all reports so far, column by column."""

    def __init__(self) -> None:
        self.study_ids: list[str] = []
        self.indices: list[int] = []
        self.sections: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.texts: list[str] = []
        self.num_claims: list[int] = []
        self.claims: tuple[list[object], ...] = tuple([] for _ in _CLAIM_COLUMNS)
        self.rejects: list[dict[str, object]] = []

    def add(self, read: _Read) -> None:
        """Append the triplets of one sentence."""
        self.num_claims.append(len(read.columns[0]))
        if read.columns[0]:
            for column, values in zip(self.claims, read.columns, strict=True):
                column.extend(values)

    def sentences(self) -> pl.DataFrame:
        """Return the table SENTENCES."""
        return pl.DataFrame(
            {
                "study_id": self.study_ids,
                "sentence_index": self.indices,
                "section": self.sections,
                "start": self.starts,
                "end": self.ends,
                "text": self.texts,
            },
            schema=dict(SENTENCES.columns),
        ).sort(SENTENCES.key)

    def triplets(self, parser: str) -> pl.DataFrame:
        """Return the table TRIPLETS, offsets moved to the report's text."""
        rows = np.repeat(np.arange(len(self.num_claims)), self.num_claims)
        types = TRIPLETS.columns
        frame = pl.DataFrame(
            dict(zip(_CLAIM_COLUMNS, self.claims, strict=True)),
            schema={name: types[name] for name in _CLAIM_COLUMNS},
        )
        keys = pl.DataFrame(
            {
                "study_id": self.study_ids,
                "sentence_index": self.indices,
                "shift": self.starts,
            },
            schema={
                "study_id": pl.String,
                "sentence_index": pl.Int32,
                "shift": pl.Int32,
            },
        )[rows]
        return (
            pl.concat([keys, frame], how="horizontal")
            .with_columns(pl.col(_OFFSETS) + pl.col("shift"))
            .with_columns(parser=pl.lit(parser))
            .select(list(types))
            .sort(TRIPLETS.key)
        )


def parse_reports(
    reports: pl.DataFrame, *, config: ReportsConfig = DEFAULT_CONFIG
) -> ParsedReports:
    """Read reports into sentences and triplets.

    Args:
        reports: Columns `study_id` and `text`, as in REPORTS; a null text is an empty
            report. Other columns are ignored.
        config: Which sections are read, and how.

    Returns:
        Frames in the schemas SENTENCES, TRIPLETS and REJECTS, sorted by key. Every
        report has a sentence or a reject, never both: `empty_report`,
        `no_usable_section` (nothing under the sections read), `binary_text`. The place
        of a triplet can stand in the sentence before ("... in the left base. This may
        represent atelectasis"); finding and cue are always in its own.

    Raises:
        ValueError: If a column is missing, or two reports have the same study_id.
        TypeError: If a column does not hold strings.
    """
    _check(reports)
    rows = _Rows()
    for study_id, text in zip(reports["study_id"], reports["text"], strict=True):
        reason = _unreadable(text)
        if reason is None and not _read_report(rows, study_id, text, config):
            reason = "no_usable_section"
        if reason is not None:
            rows.rejects.append(_reject(study_id, reason, config))
    parsed = ParsedReports(
        sentences=rows.sentences(),
        triplets=rows.triplets(config.parser),
        rejects=REJECTS.frame(rows.rejects).sort(REJECTS.key),
    )
    logger.info(
        "%d reports -> %d sentences, %d triplets, %d rejects",
        len(reports),
        len(parsed.sentences),
        len(parsed.triplets),
        len(parsed.rejects),
    )
    return parsed


def _check(reports: pl.DataFrame) -> None:
    for column in ("study_id", "text"):
        if column not in reports.columns:
            raise ValueError(
                f"parse_reports: expected the columns study_id and text, found "
                f"{reports.columns}. Rename the column of '{column}'."
            )
        if reports[column].dtype not in (pl.String, pl.Null):
            raise TypeError(
                f"parse_reports: expected strings in '{column}', found "
                f"{reports[column].dtype}"
            )
    repeated = reports["study_id"].is_duplicated()
    if repeated.any():
        raise ValueError(
            f"parse_reports: expected one report per study, found "
            f"{repeated.sum()} rows that share a study_id, such as "
            f"'{reports['study_id'].filter(repeated)[0]}'"
        )


def _unreadable(text: str | None) -> str | None:
    """Return why a text cannot be read, or None."""
    if text is None or not text.strip():
        return "empty_report"
    if _BINARY.search(text):
        share = len(_BINARY.findall(text)) / len(text)
        if share > _MAX_BINARY_SHARE:
            return "binary_text"
    return None


def _read_report(rows: _Rows, study_id: str, text: str, config: ReportsConfig) -> int:
    """Append what one report says, and return how many sentences it has."""
    defined = None
    if config.abbreviations:
        defined = defined_abbreviations(shared_lexicon(), text) or None
    index = 0
    for section in split_sections(text):
        if section.name not in config.sections:
            continue
        previous: tuple[int, _Read] | None = None
        for start, end in split_sentences(text, section.start, section.end):
            sentence = text[start:end]
            read = _read_sentence(sentence, defined, config)
            if read.is_anaphoric and previous is not None:
                shift = previous[0] - start
                claims = _resolved(read.claims, previous[1].claims, shift=shift)
                read = _as_read(claims)
            previous = (start, read)
            rows.study_ids.append(study_id)
            rows.indices.append(index)
            rows.sections.append(section.name)
            rows.starts.append(start)
            rows.ends.append(end)
            rows.texts.append(sentence)
            rows.add(read)
            index += 1
    return index


def _read_sentence(
    sentence: str, defined: dict[str, Entry] | None, config: ReportsConfig
) -> _Read:
    max_scope, has_history = config.max_scope_tokens, config.include_history
    if defined is None and len(sentence) <= _CACHED_CHARS:
        return _cached_read(sentence, max_scope, has_history)
    claims = read_claims(
        shared_lexicon(), sentence, max_scope=max_scope, defined=defined
    )
    return _as_read(_chosen(claims, has_history))


@lru_cache(maxsize=_CACHED_SENTENCES)
def _cached_read(sentence: str, max_scope: int, has_history: bool) -> _Read:  # noqa: FBT001 - a cache key
    claims = read_claims(shared_lexicon(), sentence, max_scope=max_scope)
    return _as_read(_chosen(claims, has_history))


def _chosen(claims: tuple[Claim, ...], has_history: bool) -> tuple[Claim, ...]:  # noqa: FBT001
    if has_history:
        return claims
    return tuple(claim for claim in claims if claim.context is not Context.HISTORY)


def _as_read(claims: tuple[Claim, ...]) -> _Read:
    """Lay the claims of a sentence out in columns, one row per region."""
    none = (None, None)
    rows = [
        (
            region,
            claim.finding,
            claim.existence.value,
            claim.context.value,
            *claim.span,
            *(claim.place or none),
            *(claim.cue or none),
        )
        for claim in claims
        for region in claim.regions
    ]
    return _Read(
        claims=claims,
        columns=tuple(zip(*rows, strict=True)) or ((),) * len(_CLAIM_COLUMNS),
        is_anaphoric=any(claim.is_anaphoric for claim in claims),
    )


def _resolved(
    claims: tuple[Claim, ...], previous: tuple[Claim, ...], *, shift: int
) -> tuple[Claim, ...]:
    """Give "this may represent atelectasis" the place of the sentence before.

    `shift` is where that sentence starts, seen from this one.
    """
    source = next(
        (
            claim
            for claim in reversed(previous)
            if claim.existence is not Existence.ABSENT and claim.place is not None
        ),
        None,
    )
    if source is None or source.place is None:
        return claims
    place = (source.place[0] + shift, source.place[1] + shift)
    rules = shared_lexicon().place_rules
    result = []
    for claim in claims:
        zones = rules[claim.finding].zones
        regions = tuple(
            region
            for region in source.regions
            if zones is None or zones & zones_of(region)
        )
        if claim.is_anaphoric and regions:
            result.append(replace(claim, regions=regions, place=place))
        else:
            result.append(claim)
    return tuple(result)


def _reject(study_id: str, reason: str, config: ReportsConfig) -> dict[str, object]:
    sections = ", ".join(section.value for section in config.sections)
    return {
        "stage": STAGE,
        "item_id": study_id,
        "reason": reason,
        "detail": _DETAILS[reason].format(sections=sections),
    }


_DETAILS = {
    "empty_report": "Report: expected text, found none.",
    "binary_text": "Report: expected text, found mostly control characters.",
    "no_usable_section": (
        "Report: expected a sentence under one of {sections}, found none."
    ),
}
