"""The parser `brat`: entities and assertions that people have marked, as claims.

What is marked, where, and whether it is there, is the file's; findings and regions are the
lexicon's, by the same mapping as a RadGraph graph's.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from asg_core.reports.config import ReportsConfig
from asg_core.reports.grammar.claims import Claim
from asg_core.reports.lexicon.load import Lexicon
from asg_core.reports.parsers.brat.labels import (
    LOCATED_AT,
    Label,
    assertion,
    entity_label,
    relation_name,
)
from asg_core.reports.parsers.brat.standoff import Marked, Standoff, read_standoff
from asg_core.reports.parsers.parser import Span, UnreadableReportError
from asg_core.reports.parsers.radgraph.claims import GraphReader
from asg_core.reports.parsers.radgraph.graph import Entity, align
from asg_core.terms.existence import Existence

logger = logging.getLogger(__name__)

_NUM_TOLD = 20
"""Broken lines of a job that are told one by one; all are counted."""


class BratParser:
    """Reads sentences by the entities that are marked in the file of their report."""

    def __init__(self, lexicon: Lexicon, *, config: ReportsConfig) -> None:
        """Find the files.

        Raises:
            ValueError: If there are none, or two of one name.
        """
        self._lexicon = lexicon
        self._config = config
        self._files = _files_by_name(config.brat.folder)
        self.counts: Counter[str] = Counter()
        """What yielded no claim, by reason, and what could not be read."""

    def read_report(
        self, study_id: str, text: str, sections: Sequence[Sequence[Span]]
    ) -> list[tuple[Claim, ...]]:
        """Return the claims of each sentence; see `ReportParser`."""
        path = self._files.get(study_id)
        if path is None:
            raise UnreadableReportError(
                "no_brat_file",
                "reports.brat.folder: expected a file of the study, <study_id>.ann, found "
                f"none among {len(self._files)}.",
            )
        marked_text = _read(path.with_suffix(".txt"))
        standoff = read_standoff(_read(path), text=marked_text)
        self._tell(standoff, name=path.name)
        entities = self._entities(
            standoff.entities,
            places=_characters(marked_text, text=text, sections=sections),
        )
        reader = GraphReader(
            self._lexicon,
            entities,
            text=text,
            sections=sections,
            max_scope=self._config.max_scope_tokens,
            counts=self.counts,
        )
        return reader.chosen_claims(has_history=self._config.include_history)

    def _tell(self, standoff: Standoff, *, name: str) -> None:
        """Count what is not read, and name broken lines, the first ones of a job."""
        self.counts.update(standoff.unread)
        for problem in standoff.broken:
            self.counts["broken lines"] += 1
            if self.counts["broken lines"] <= _NUM_TOLD:
                logger.warning("%s, %s The line is left out.", name, problem)

    def _entities(
        self, marked: Mapping[str, Marked], *, places: "_Places"
    ) -> dict[str, Entity]:
        """Return the entities whose labels are known, in the report's characters."""
        known: dict[str, tuple[Label, Existence]] = {}
        for key, entity in marked.items():
            label = entity_label(entity.label)
            if label is None:
                self.counts[f"entities of the unknown label '{entity.label}'"] += 1
                continue
            existence = self._existence(entity, label)
            if existence is not None:
                known[key] = (label, existence)
        relations = self._relations(
            marked,
            observations={
                key: label.is_observation for key, (label, _) in known.items()
            },
        )
        return {
            key: Entity(
                span=places.of(marked[key].span),
                is_observation=label.is_observation,
                is_measurement=False,
                existence=existence,
                relations=tuple(relations[key]),
            )
            for key, (label, existence) in known.items()
        }

    def _existence(self, entity: Marked, label: Label) -> Existence | None:
        """Return what is asserted; None where the entity is no claim about the image."""
        said = [] if label.existence is None else [label.existence]
        for name, value in entity.attributes:
            meant = assertion(name, value)
            if meant is True:
                self.counts[
                    f"entities that are '{value or name}', which is no claim"
                ] += 1
                return None
            if meant is None:
                # A label of the corpus has no blanks; words of a person may be a report's.
                shown = name if " " in value else f"{name} {value}".strip()
                self.counts[f"unknown attributes '{shown}'"] += 1
            elif meant is not False:
                said.append(meant)
        if len(set(said)) > 1:
            self.counts["entities with several assertions"] += 1
            # A doubt weighs most: "negated" and "possible" together are a doubt.
            return max(said, key=_WEIGHT.index)
        return said[0] if said else Existence.PRESENT

    def _relations(
        self, marked: Mapping[str, Marked], *, observations: Mapping[str, bool]
    ) -> dict[str, list[tuple[str, str]]]:
        """Return the known relations between known entities, by the first of each."""
        found: dict[str, list[tuple[str, str]]] = {key: [] for key in observations}
        for key, entity in marked.items():
            for name, target in entity.relations:
                meant = relation_name(name)
                if meant is None:
                    self.counts[f"unknown relations '{name}'"] += 1
                elif key not in observations or target not in observations:
                    self.counts["relations of entities that are left out"] += 1
                elif (
                    meant == LOCATED_AT
                    and not observations[key]
                    and observations[target]
                ):
                    # Written from the anatomy: "lung is the location of the nodule".
                    found[target].append((meant, key))
                else:
                    found[key].append((meant, target))
        return found


_WEIGHT = (Existence.PRESENT, Existence.ABSENT, Existence.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the characters of a marked text stand in the report; None: where they are."""

    spans: Sequence[Span | None] | None

    def of(self, span: Span) -> Span:
        """Return a span of the marked text, which has words, in the report."""
        if self.spans is None:
            return span
        inside = [place for place in self.spans[slice(*span)] if place is not None]
        return (inside[0][0], inside[-1][1])


def _characters(
    marked: str, *, text: str, sections: Sequence[Sequence[Span]]
) -> _Places:
    if marked == text:
        return _Places(None)
    kept = [char for char in marked if not char.isspace()]
    try:
        aligned = iter(align(kept, text=text, sections=sections))
    except UnreadableReportError as error:
        raise UnreadableReportError(
            "brat_not_aligned",
            "BRAT: expected the words of the .txt file in the report, in order and in "
            "whole sentences or lines, found others.",
        ) from error
    return _Places([None if char.isspace() else next(aligned) for char in marked])


def _files_by_name(folder: Path | None) -> dict[str, Path]:
    paths = [] if folder is None else sorted(folder.rglob("*.ann"))
    files = {path.stem: path for path in paths}
    if not files:
        raise ValueError(
            f"reports.brat.folder: expected a folder of BRAT files, <study_id>.ann with "
            f"<study_id>.txt, found no .ann file in {folder}. Name the folder."
        )
    if len(files) < len(paths):
        repeated = next(iter(_repeated(path.stem for path in paths)))
        raise ValueError(
            f"reports.brat.folder: expected one file of a study in {folder} and the "
            f"folders below, found several {repeated}.ann. Name a folder with one "
            "annotator's files."
        )
    return files


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _read(path: Path) -> str:
    """Return the text of a file as its offsets count it: line ends are kept."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise UnreadableReportError(
            "no_brat_text",
            f"{path.name}: expected the text that {path.stem}.ann is about, found no "
            "file. Put it beside the .ann file.",
        ) from error
    except UnicodeDecodeError as error:
        raise UnreadableReportError(
            "malformed_brat",
            f"{path.name}: expected UTF-8, found another encoding at byte {error.start}. "
            "Convert the file, and see that its offsets still hold.",
        ) from error
