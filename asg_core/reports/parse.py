"""Reports -> sentences, triplets, rejects: the entry function of the report side.

Conventions that every parser of the package follows:

- One row per region: "bibasilar opacities" are two rows, with the same words.
- A finding that names no place is where such findings are by definition
  (`lexicon/data/finding_places.tsv`): the heart for cardiomegaly, the costophrenic angle
  for an effusion, the apical zone for a pneumothorax, a lung for what is in the lungs.
- A denial without a side denies both sides. A present finding without a side is
  `unspecified`, unless a plural ("effusions", "lungs", "basilar opacities") or its nature
  (edema) spreads it.
- "Retrocardiac" and "lingula" are on the left, "middle lobe" is on the right.
- A side that is named beside a structure of the midline is kept in a row of its own:
  "right paratracheal nodes" are in the upper mediastinum and `right unspecified`. The
  side to which something is shifted is none.
- "Lungs are clear" denies opacity; a normal cardiac silhouette denies cardiomegaly; a
  normal cardiomediastinal one denies an enlarged cardiomediastinum too.
- A pacemaker is also a device, a collapse of a lung or lobe also an atelectasis (its
  denial denies only the collapse). An artificial joint is hardware, no device. Air and
  fluid in the pleural space are two findings.
- A line, tube or other device that names no region is where its tip is; a tip in a great
  vein whose device was blanked by de-identification is a line's. A tip that is not seen
  is no claim.
- "This", "it" and the like at the start of a sentence take the place of the one before.
- A structure that is not seen, or lies outside the image, is obscured.
- A finding of another part of the body ("fracture of the wrist") is no claim; an implant is.
- Questions, plans and limits of the study ("evaluate for", "recommend", "cannot be
  assessed") are no claims. What has been removed or has resolved is absent, in the
  context `removal`.
"""

import logging
import re
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from asg_core.redaction import without_folders
from asg_core.reports.config import ReportsConfig
from asg_core.reports.lexicon.load import Lexicon, load_lexicon
from asg_core.reports.parsers.lexicon import LexiconParser
from asg_core.reports.parsers.parser import (
    CountingParser,
    ReportParser,
    Span,
    UnreadableReportError,
)
from asg_core.reports.rows import ReportRows
from asg_core.reports.text.languages import LanguageGuard
from asg_core.reports.text.markup import without_markup
from asg_core.reports.text.sections import SectionCutter
from asg_core.reports.text.sentences import SentenceCutter
from asg_core.tables.catalog import REJECTS, SENTENCES, TRIPLETS
from asg_core.terms.stages import Stage

logger = logging.getLogger(__name__)

STAGE = Stage.EXTRACT_TRIPLETS
DEFAULT_CONFIG = ReportsConfig()
# A text of which more than this share is control characters is no text.
_MAX_BINARY_SHARE = 0.05
_BINARY = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufffd]")
# Reports that are held as Python objects at a time; tables take a fraction of the memory.
_PART_REPORTS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedReports:
    """The tables SENTENCES, TRIPLETS and REJECTS of a set of reports."""

    sentences: pl.DataFrame
    triplets: pl.DataFrame
    rejects: pl.DataFrame


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
        `no_usable_section` (nothing under the sections read), `binary_text`, `language`
        (the function words are those of another language). The place of a triplet can stand in the sentence before ("... in the left base. This may
        represent atelectasis"); finding and cue are always in its own.

    Raises:
        ValueError: If a column is missing, a study_id is null or of two reports, or the
            lexicon or the parser's model or file cannot be used.
        TypeError: If a column does not hold strings.
    """
    _check(reports)
    lexicon = load_lexicon(config.lexicon)
    parser = make_parser(lexicon, config=config, reports=reports)
    cutter = _Cutter(lexicon, config=config)
    parts = [
        _parse_part(part, cutter=cutter, parser=parser, name=config.parser)
        for part in reports.iter_slices(_PART_REPORTS)
    ] or [_parse_part(reports, cutter=cutter, parser=parser, name=config.parser)]
    cutter.log_languages(len(reports))
    if isinstance(parser, CountingParser):
        for what, count in sorted(parser.counts.items()):
            logger.info("%s: %d %s", config.parser, count, what)
    parsed = ParsedReports(
        sentences=pl.concat(part.sentences for part in parts).sort(SENTENCES.key),
        triplets=pl.concat(part.triplets for part in parts).sort(TRIPLETS.key),
        rejects=pl.concat(part.rejects for part in parts).sort(REJECTS.key),
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
    num_nulls = reports["study_id"].null_count()
    if num_nulls:
        raise ValueError(
            f"parse_reports: expected a study_id in every row, found {num_nulls} rows "
            f"without one. Name these reports or leave them out."
        )
    repeated = reports["study_id"].is_duplicated()
    if repeated.any():
        raise ValueError(
            f"parse_reports: expected one report per study, found "
            f"{repeated.sum()} rows that share a study_id, such as "
            f"'{reports['study_id'].filter(repeated)[0]}'"
        )


def make_parser(
    lexicon: Lexicon, *, config: ReportsConfig, reports: pl.DataFrame
) -> ReportParser:
    """Return the configured parser, ready to read these reports.

    Raises:
        ValueError: If the parser's model or its file cannot be used.
    """
    match config.parser:
        case "lexicon":
            return LexiconParser(lexicon, config=config)
        case "radgraph":
            # Only this parser needs the module, and with a model torch.
            from asg_core.reports.parsers.radgraph.parser import RadgraphParser  # noqa: PLC0415

            study_ids = reports["study_id"].to_list()
            return RadgraphParser(lexicon, config=config, study_ids=study_ids)
        case "scispacy":
            # Only this parser needs spaCy's models.
            from asg_core.reports.parsers.scispacy.parser import ScispacyParser  # noqa: PLC0415

            return ScispacyParser(lexicon, config=config)
        case "brat":
            # Only this parser needs the module.
            from asg_core.reports.parsers.brat.parser import BratParser  # noqa: PLC0415

            return BratParser(lexicon, config=config)


class _Cut(NamedTuple):
    """A report, and the sentences of each of its sections that are read."""

    study_id: str
    text: str
    plain: str
    """The text without the marks of HTML and Markdown, of the same length."""
    sections: list[tuple[str, list[Span]]]


class _Cutter:
    """Cuts reports into the sentences of the sections that are read."""

    def __init__(self, lexicon: Lexicon, *, config: ReportsConfig) -> None:
        self._names = dict.fromkeys(section.value for section in config.sections)
        self._sections = SectionCutter(lexicon.headers)
        self._sentences = SentenceCutter(lexicon.sentence_words)
        self._guard = LanguageGuard(lexicon.languages)
        self._languages: Counter[str] = Counter()

    def cut(self, study_id: str, text: str | None) -> _Cut:
        """Return a report with its sentences.

        Raises:
            UnreadableReportError: If it is no text, or has none under these sections.
        """
        text = _readable(text)
        plain = without_markup(text)
        foreign = self._guard.foreign(plain)
        if foreign is not None:
            self._languages[foreign.language] += 1
            raise UnreadableReportError(
                "language",
                f"Report: expected {self._guard.name}, found {foreign.num_foreign} of "
                f"{foreign.num_words} words to be function words of {foreign.language}.",
            )
        sections = [
            (section.name, self._sentences.cut(plain, section.start, section.end))
            for section in self._sections.cut(plain)
            if section.name in self._names
        ]
        if not any(spans for _, spans in sections):
            raise UnreadableReportError(
                "no_usable_section",
                "Report: expected a sentence under one of "
                f"{', '.join(self._names)}, found none.",
            )
        return _Cut(study_id, text, plain, sections)

    def log_languages(self, num_reports: int) -> None:
        """Say how many reports were in which other language."""
        total = self._languages.total()
        if total:
            logger.warning(
                "%d of %d reports (%.1f %%) are not in %s and were not read: %s",
                total,
                num_reports,
                100 * total / num_reports,
                self._guard.name,
                ", ".join(
                    f"{language} {count}"
                    for language, count in self._languages.most_common()
                ),
            )


def _parse_part(
    reports: pl.DataFrame, *, cutter: _Cutter, parser: ReportParser, name: str
) -> ParsedReports:
    """Read some of the reports; the tables are not sorted yet."""
    rejects: list[dict[str, object]] = []
    cut: list[_Cut] = []
    for study_id, text in zip(reports["study_id"], reports["text"], strict=True):
        try:
            cut.append(cutter.cut(study_id, text))
        except UnreadableReportError as error:
            rejects.append(_reject(study_id, error))
    # All are cut before the first is read: one kind of work at a time is faster.
    rows = ReportRows()
    for report in cut:
        sentences = [spans for _, spans in report.sections]
        # A graph holds the words of the report as it stands.
        text = report.text if name == "radgraph" else report.plain
        try:
            reads = parser.read_report(report.study_id, text, sentences)
        except UnreadableReportError as error:
            rejects.append(_reject(report.study_id, error))
        else:
            rows.add(report.study_id, report.text, report.sections, reads)
    return ParsedReports(
        sentences=rows.sentences(),
        triplets=rows.triplets(name),
        rejects=REJECTS.frame(rejects),
    )


def _readable(text: str | None) -> str:
    if not text or text.isspace():
        raise UnreadableReportError(
            "empty_report", "Report: expected text, found none."
        )
    if _BINARY.search(text):
        share = len(_BINARY.findall(text)) / len(text)
        if share > _MAX_BINARY_SHARE:
            raise UnreadableReportError(
                "binary_text",
                "Report: expected text, found mostly control characters.",
            )
    return text


def _reject(study_id: str, error: UnreadableReportError) -> dict[str, object]:
    return {
        "stage": STAGE,
        "item_id": study_id,
        "reason": error.reason,
        "detail": without_folders(error.detail),
    }
