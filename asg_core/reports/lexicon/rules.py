"""What the grammar knows of findings: where they can be, of which kind they are.

And what a structure in a state claims. `finding_places.tsv`, `finding_kinds.tsv`,
`statements.tsv`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from asg_core.reports.lexicon.files import read_rows
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
    """The findings that are read by a rule of their own, by the rule."""

    tip: tuple[str, ...]
    """The end of a device: a tip that is not seen is no claim."""
    tipped: frozenset[str]
    """Devices that have a tip: where that is, they are."""
    leaded: frozenset[str]
    """Devices whose own place stands before them; behind them stands where leads end."""
    implanted: frozenset[str]
    """What is put in: claimed outside the chest too, and no doubt when two are named."""
    blanked: tuple[str, ...]
    """What a removed word with a tip in one of the veins stood for."""
    veins: frozenset[str]
    """The zones of `blanked`."""
    diffuse: frozenset[str]
    """Findings whose plural at a zone of each lung means both lungs."""
    sided: frozenset[str]
    """Findings that take from a shared part of a lung the side alone."""
    directed: frozenset[str]
    """Movements: a side says where to, not where."""
    sole: frozenset[str]
    """Of several findings that a phrase claims, the one that its denial denies."""


def read_place_rules(path: Path) -> dict[str, PlaceRule]:
    """Return the rule of each finding.

    Raises:
        ValueError: With file and line, if a line does not fit or a finding has none.
    """
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
    """Return which findings are of which kind.

    Raises:
        ValueError: With file and line, if a line does not fit or a kind has none.
    """
    names = [field.name for field in fields(Kinds) if field.name != "veins"]
    read: dict[str, tuple[str, ...]] = {}
    veins: tuple[str, ...] = ()
    for row in read_rows(path, columns=("kind", "findings", "zones", "reason")):
        row.expect(row["kind"], set(names) - read.keys(), "a kind that has no line yet")
        read[row["kind"]] = row.listed("findings", between="+")
        for finding in read[row["kind"]]:
            row.expect(finding, FINDINGS, "a finding")
        for zone in row.listed("zones"):
            row.expect(row["kind"], ("blanked",), "the kind that has zones")
            row.expect(zone, ZONES, "a zone")
        veins += row.listed("zones")
    _check_complete(path, names, read, "kinds")
    return Kinds(
        tip=read["tip"],
        tipped=frozenset(read["tipped"]),
        leaded=frozenset(read["leaded"]),
        implanted=frozenset(read["implanted"]),
        blanked=read["blanked"],
        veins=frozenset(veins),
        diffuse=frozenset(read["diffuse"]),
        sided=frozenset(read["sided"]),
        directed=frozenset(read["directed"]),
        sole=frozenset(read["sole"]),
    )


def read_statements(path: Path) -> Statements:
    """Return what each structure claims in each state, in the order of the file.

    Raises:
        ValueError: With file and line, if a line does not fit.
    """
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


def _check_complete(
    path: Path, names: list[str], read: Mapping[str, object], what: str
) -> None:
    missing = [name for name in names if name not in read]
    if missing:
        raise ValueError(
            f"{path}: expected a line for each of {len(names)} {what}, found none for "
            f"{', '.join(missing)}. Add it; the shipped file shows how."
        )
