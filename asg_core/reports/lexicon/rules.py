"""Read the rules about findings: where they can be, of which kind they are, what is one.

`finding_places.tsv` and `finding_kinds.tsv` say the first two; a finding can also be a
structure in a state (`statements.tsv`) or an observation of RadGraph that no phrase fits
(`radgraph_rules.tsv`). A line that does not fit raises ValueError with file and line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from asg_core.reports.lexicon.files import read_rows
from asg_core.reports.lexicon.phrases import Words
from asg_core.reports.lexicon.zones import ZONES
from asg_core.terms.existence import Existence
from asg_core.terms.findings import FINDINGS

Statements = Mapping[tuple[str, str], tuple[tuple[str, Existence], ...]]
"""(zone or finding, state) -> the claims that it makes in such a state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRule:
    """Where one finding can be."""

    default: str | None
    """The zone when the sentence names none; None: unspecified."""
    is_spread: bool
    """Whether a finding without a side is on both sides."""
    zones: frozenset[str] | None
    """The zones that can hold it; None: all."""
    moved: Mapping[str, str]
    """Named zones that stand for another one with this finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """The findings that are read by a rule of their own.

    Each field is one rule; `finding_kinds.tsv` says what it does.
    """

    tip: frozenset[str]
    tipped: frozenset[str]
    leaded: frozenset[str]
    implanted: frozenset[str]
    blanked: frozenset[str]
    veins: frozenset[str]
    """Zones, not findings."""
    diffuse: frozenset[str]
    sided: frozenset[str]
    directed: frozenset[str]
    sole: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationRule:
    """Words and a zone of a RadGraph graph, and the finding that they mean together."""

    words: frozenset[str]
    zone: str | None
    """The zone that the observation must lie in; None: any, or none."""
    finding: str
    existence: Existence | None
    """The claim of an observation that is present; None: as it is labelled."""


def read_place_rules(path: Path) -> dict[str, PlaceRule]:
    """Return the rule of each finding."""
    rules: dict[str, PlaceRule] = {}
    columns = ("finding", "default", "spread", "zones", "moved")
    for row in read_rows(path, columns=columns):
        row.expect(
            row["finding"],
            set(FINDINGS) - rules.keys(),
            "a finding that has no line yet",
        )
        row.expect(row["spread"], ("one", "both"), "a spread")
        default = None if row["default"] == "-" else row["default"]
        named = [] if row["zones"] == "*" else row["zones"].split()
        moves = [move.partition(">") for move in row.listed("moved")]
        moved = {zone: other for zone, _, other in moves}
        for zone in (*named, *moved, *moved.values(), *filter(None, [default])):
            row.expect(zone, ZONES, "a zone")
        rules[row["finding"]] = PlaceRule(
            default=default,
            is_spread=row["spread"] == "both",
            zones=None if row["zones"] == "*" else frozenset(named),
            moved=moved,
        )
    _check_complete(path, [*FINDINGS], rules, "findings")
    return rules


def read_kinds(path: Path) -> Kinds:
    """Return which findings are of which kind."""
    kinds = [field.name for field in fields(Kinds)]
    read: dict[str, frozenset[str]] = {}
    for row in read_rows(path, columns=("kind", "names", "reason")):
        row.expect(row["kind"], set(kinds) - read.keys(), "a kind that has no line yet")
        is_zones = row["kind"] == "veins"
        for name in row.listed("names", between="+"):
            if is_zones:
                row.expect(name, ZONES, "a zone")
            else:
                row.expect(name, FINDINGS, "a finding")
        read[row["kind"]] = frozenset(row.listed("names", between="+"))
    _check_complete(path, kinds, read, "kinds")
    return Kinds(**read)


def read_statements(path: Path) -> Statements:
    """Return what each structure claims in each state, in the order of the file."""
    statements: dict[tuple[str, str], tuple[tuple[str, Existence], ...]] = {}
    columns = ("zone", "state", "finding", "existence", "reason")
    for row in read_rows(path, columns=columns):
        row.expect(row["zone"], {*ZONES, *FINDINGS}, "a zone or finding")
        row.expect(row["finding"], FINDINGS, "a finding")
        row.expect(row["existence"], [*Existence], "an existence")
        key = (row["zone"], row["state"])
        claim = (row["finding"], Existence(row["existence"]))
        statements[key] = (*statements.get(key, ()), claim)
    return statements


def read_observations(path: Path) -> tuple[ObservationRule, ...]:
    """Return what observations of RadGraph mean, in the order of the file."""
    rules: list[ObservationRule] = []
    columns = ("words", "zone", "finding", "existence", "reason")
    for row in read_rows(path, columns=columns):
        row.expect(row["zone"], {"*", *ZONES}, "a zone")
        row.expect(row["finding"], FINDINGS, "a finding")
        row.expect(row["existence"], {"label", *Existence}, "an existence")
        rules.extend(
            ObservationRule(
                words=frozenset(Words(spelling)),
                zone=None if row["zone"] == "*" else row["zone"],
                finding=row["finding"],
                existence=None
                if row["existence"] == "label"
                else Existence(row["existence"]),
            )
            for spelling in row.phrases("words")
        )
    return tuple(rules)


def _check_complete(
    path: Path, names: list[str], read: Mapping[str, object], what: str
) -> None:
    missing = [name for name in names if name not in read]
    if missing:
        raise ValueError(
            f"{path}: expected a line for each of {len(names)} {what}, found none for "
            f"{', '.join(missing)}. Add it; the shipped file shows how."
        )
