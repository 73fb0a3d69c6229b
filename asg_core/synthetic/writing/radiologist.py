"""The reader of one study: habits, what the plan binds them to, what they have said."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from asg_core.synthetic.world.world import GROUND_GLASS, Observation, StudyPlan
from asg_core.synthetic.writing.grammar import SentenceFrame, find_frames, is_stateable
from asg_core.synthetic.writing.sentences import WrittenSentence, write_sentence
from asg_core.synthetic.writing.statements import Draws, Kind, Memory, Statement
from asg_core.synthetic.writing.words import is_beside, read_denials

DEVICES = frozenset({"tube", "line", "tip", "pacemaker", "wire", "hardware"})
_REMOVABLE = frozenset({"tube", "line", "pacemaker"})
# These neither grow, shrink nor heal between two studies, whatever the plan drew.
STATIC = frozenset(
    {
        "calcification",
        "fracture",
        "deformity",
        "hernia",
        "scar",
        "emphysema",
        "hyperinflate",
        "pleural thicken",
    }
)

ANY_USE = "FTI"
"""Every style of sentence (see `SentenceFrame.uses`)."""


@dataclass(slots=True)
class Reader:
    """One radiologist at one study."""

    study: StudyPlan
    memory: Memory
    style: str
    """The letter of `SentenceFrame.uses` for the findings: "F" full sentences, "T" terse."""

    active: set[str]
    """Findings of the plan, and those considered as alternatives so far."""

    removed: tuple[Statement, ...]
    """What this reader says has gone since the earlier study."""

    denied: set[str] = field(default_factory=set)

    @property
    def draws(self) -> Draws:
        """The randomness of this report."""
        return self.memory.draws

    def can_deny(self, finding: str) -> bool:
        """Say whether a negative would contradict nothing and repeat nothing."""
        is_said = finding in self.denied or finding in self._gone()
        return not is_said and not is_beside(finding, frozenset(self.active))

    def can_consider(self, finding: str) -> bool:
        """Say whether an alternative would contradict neither the plan nor a negative."""
        if finding in self.active or finding in self._gone():
            return False
        return not any(is_beside(name, frozenset([finding])) for name in self.denied)

    def _gone(self) -> frozenset[str]:
        return frozenset(statement.finding for statement in self.removed)


def meet_reader(study: StudyPlan, *, draws: Draws) -> Reader:
    """Return the reader of a study, before anything is written."""
    active = {observation.finding for observation in study.observations}
    if GROUND_GLASS in active:
        # Reports do not name the pattern, but nobody calls these lungs clear.
        active.remove(GROUND_GLASS)
        active |= {"opacity", "consolidation", "pneumonia", "infiltration"}
    return Reader(
        study=study,
        memory=Memory(draws=draws, direction="left" if draws.chance(0.5) else "right"),
        style="T" if draws.chance(0.25) else "F",
        active=active,
        removed=tuple(
            as_statement(observation, Kind.REMOVED)
            for observation in study.resolved
            if _can_go(observation, frozenset(active)) and draws.chance(0.85)
        ),
    )


def as_statement(observation: Observation, kind: Kind) -> Statement:
    """Return one observation as something to be said."""
    return Statement(
        kind=kind,
        finding=observation.finding,
        places=observation.places,
        severity=observation.severity,
    )


def make_denial(finding: str, *, row: int = 0) -> Statement:
    """Return the statement that `finding` is absent where denials.tsv says."""
    places = read_denials()[finding][row].places
    return Statement(kind=Kind.ABSENT, finding=finding, places=places)


def find_topic(unit: Iterable[Statement]) -> str:
    """Return what a sentence is about: decides its place among the others."""
    statements = list(unit)
    stated = [s for s in statements if s.kind is not Kind.ABSENT]
    first = (stated or statements)[0]
    if first.finding == "calcification" and "lung" in first.places[0]:
        return "lung"
    rows = read_denials().get(first.finding, ())
    return rows[0].topic if rows else ""


def try_sentence(
    unit: Sequence[Statement],
    *,
    reader: Reader,
    uses: str,
    is_clause: bool = False,
    is_noun: bool = False,
) -> WrittenSentence | None:
    """Write a unit as one sentence; None when no frame takes it.

    Args:
        unit: Statements in the order of the frame's claims.
        reader: Whose sentence it is.
        uses: The wanted styles; any style is taken when there is none in these.
        is_clause: Prefer frames that say it without naming the finding by a noun.
        is_noun: Take only frames that name the finding by a noun.
    """
    statements = tuple(unit)
    for letters in (uses, ANY_USE):
        frames: Sequence[SentenceFrame] = find_frames(
            statements, uses=letters, memory=reader.memory
        )
        if is_noun:
            frames = [frame for frame in frames if frame.slots[0].noun is not None]
        if frames:
            return write_sentence(
                _pick_frame(frames, reader=reader, is_clause=is_clause),
                statements,
                memory=reader.memory,
                topic=find_topic(statements),
            )
    return None


def _pick_frame(
    frames: Sequence[SentenceFrame], *, reader: Reader, is_clause: bool
) -> SentenceFrame:
    """Pick one; frames made for the finding count as much as all general ones."""
    if is_clause:
        clauses = [frame for frame in frames if frame.slots[0].noun is None]
        return reader.draws.pick(clauses or frames)
    if reader.draws.chance(0.5):
        special = [frame for frame in frames if frame.is_special]
        return reader.draws.pick(special or frames)
    return reader.draws.pick(frames)


def write_unit(
    unit: Sequence[Statement], *, reader: Reader, uses: str
) -> list[WrittenSentence]:
    """Write a unit as one sentence, or as one for each statement.

    Raises:
        ValueError: If a statement has no frame at all.
    """
    sentence = try_sentence(unit, reader=reader, uses=uses)
    if sentence is not None:
        return [sentence]
    if len(unit) == 1:
        raise ValueError(
            f"write_unit: expected a frame for {unit[0]}, found none; add one to "
            "wording/frames_*.tsv, or the place to wording/places.tsv"
        )
    return [
        written
        for statement in unit
        for written in write_unit((statement,), reader=reader, uses=uses)
    ]


def has_frame(unit: Sequence[Statement]) -> bool:
    """Say whether one sentence can hold all statements of a unit."""
    return is_stateable(tuple(unit), uses=ANY_USE)


def _can_go(observation: Observation, active: frozenset[str]) -> bool:
    finding = observation.finding
    if finding == GROUND_GLASS or not observation.is_certain:
        return False
    if finding in STATIC or (finding in DEVICES and finding not in _REMOVABLE):
        return False
    return not is_beside(finding, active)
