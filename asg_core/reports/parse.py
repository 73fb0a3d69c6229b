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
- A pacemaker or defibrillator is also a device.
- Questions, plans and limits of the study ("evaluate for", "recommend", "cannot be
  assessed") are no claims. What has been removed or has resolved is absent, in the
  context `removal`.
"""

import logging
import re
from dataclasses import dataclass, replace
from functools import lru_cache

import polars as pl

from asg_core.reports.abbreviations import defined_abbreviations
from asg_core.reports.claims import Claim, read_claims
from asg_core.reports.config import ReportsConfig
from asg_core.reports.lexicon import Entry
from asg_core.reports.lexicon_files import shared_lexicon
from asg_core.reports.sections import split_sections
from asg_core.reports.sentences import split_sentences
from asg_core.reports.zones import zones_of
from asg_core.tables.catalog import REJECTS, SENTENCES, TRIPLETS
from asg_core.tables.schema import TableSchema
from asg_core.terms.existence import Context, Existence

logger = logging.getLogger(__name__)

STAGE = "extract_triplets"
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
class _Sentence:
    section: str
    start: int
    end: int
    claims: tuple[Claim, ...]


def parse_reports(
    reports: pl.DataFrame, *, config: ReportsConfig = ReportsConfig()
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
    sentences: dict[str, list[object]] = {name: [] for name in SENTENCES.columns}
    triplets: dict[str, list[object]] = {name: [] for name in TRIPLETS.columns}
    rejects: dict[str, list[object]] = {name: [] for name in REJECTS.columns}
    for study_id, text in zip(reports["study_id"], reports["text"], strict=True):
        reason = _unreadable(text)
        read = [] if reason else _read_report(text, config)
        if not read:
            _append_reject(rejects, study_id, reason or "no_usable_section", config)
        for index, sentence in enumerate(read):
            _append_sentence(sentences, study_id, index, sentence, text)
            _append_triplets(triplets, study_id, index, sentence, config)
    parsed = ParsedReports(
        sentences=_frame(sentences, SENTENCES),
        triplets=_frame(triplets, TRIPLETS),
        rejects=_frame(rejects, REJECTS),
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


def _read_report(text: str, config: ReportsConfig) -> list[_Sentence]:
    lexicon = shared_lexicon()
    defined = defined_abbreviations(lexicon, text) if config.abbreviations else {}
    sentences: list[_Sentence] = []
    for section in split_sections(text):
        if section.name not in config.sections:
            continue
        previous: _Sentence | None = None
        for start, end in split_sentences(text, section.start, section.end):
            claims = _claims(text[start:end], defined, config.max_scope_tokens)
            if previous is not None and any(claim.is_anaphoric for claim in claims):
                claims = _resolved(claims, previous, start=start)
            previous = _Sentence(
                section=section.name, start=start, end=end, claims=claims
            )
            sentences.append(previous)
    return sentences


def _claims(
    sentence: str, defined: dict[str, Entry], max_scope: int
) -> tuple[Claim, ...]:
    if defined or len(sentence) > _CACHED_CHARS:
        return read_claims(
            shared_lexicon(), sentence, max_scope=max_scope, defined=defined
        )
    return _cached_claims(sentence, max_scope)


@lru_cache(maxsize=_CACHED_SENTENCES)
def _cached_claims(sentence: str, max_scope: int) -> tuple[Claim, ...]:
    return read_claims(shared_lexicon(), sentence, max_scope=max_scope)


def _resolved(
    claims: tuple[Claim, ...], previous: _Sentence, *, start: int
) -> tuple[Claim, ...]:
    """Give "this may represent atelectasis" the place of the sentence before."""
    source = next(
        (
            claim
            for claim in reversed(previous.claims)
            if claim.existence is not Existence.ABSENT and claim.place is not None
        ),
        None,
    )
    if source is None or source.place is None:
        return claims
    shift = previous.start - start
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


def _append_sentence(
    columns: dict[str, list[object]],
    study_id: str,
    index: int,
    sentence: _Sentence,
    text: str,
) -> None:
    columns["study_id"].append(study_id)
    columns["sentence_index"].append(index)
    columns["section"].append(sentence.section)
    columns["start"].append(sentence.start)
    columns["end"].append(sentence.end)
    columns["text"].append(text[sentence.start : sentence.end])


def _append_triplets(
    columns: dict[str, list[object]],
    study_id: str,
    index: int,
    sentence: _Sentence,
    config: ReportsConfig,
) -> None:
    for claim in sentence.claims:
        if claim.context is Context.HISTORY and not config.include_history:
            continue
        for region in claim.regions:
            columns["study_id"].append(study_id)
            columns["sentence_index"].append(index)
            columns["region"].append(region)
            columns["finding"].append(claim.finding)
            columns["existence"].append(claim.existence.value)
            columns["context"].append(claim.context.value)
            columns["parser"].append(config.parser)
            for name, span in (
                ("finding", claim.span),
                ("place", claim.place),
                ("cue", claim.cue),
            ):
                start, end = (
                    (None, None)
                    if span is None
                    else (sentence.start + span[0], sentence.start + span[1])
                )
                columns[f"{name}_start"].append(start)
                columns[f"{name}_end"].append(end)


def _append_reject(
    columns: dict[str, list[object]],
    study_id: str,
    reason: str,
    config: ReportsConfig,
) -> None:
    columns["stage"].append(STAGE)
    columns["item_id"].append(study_id)
    columns["reason"].append(reason)
    columns["detail"].append(_DETAILS[reason].format(sections=_listed(config)))


_DETAILS = {
    "empty_report": "Report: expected text, found none.",
    "binary_text": "Report: expected text, found mostly control characters.",
    "no_usable_section": (
        "Report: expected a sentence under one of {sections}, found none."
    ),
}


def _listed(config: ReportsConfig) -> str:
    return ", ".join(section.value for section in config.sections)


def _frame(columns: dict[str, list[object]], schema: TableSchema) -> pl.DataFrame:
    frame = pl.DataFrame(columns, schema=dict(schema.columns))
    return frame.sort(schema.key)
