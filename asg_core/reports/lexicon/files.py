"""Reads the lexicon's files: tab-separated, one entry a line, made to be edited."""

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from pathlib import Path

from asg_core.reports.lexicon.phrases import (
    Entry,
    Lexicon,
    PlaceRule,
    Words,
    build_trie,
)
from asg_core.reports.lexicon.zones import ZONES
from asg_core.terms.existence import Existence
from asg_core.terms.findings import FINDINGS

_FOLDER = Path(__file__).parent
FINDINGS_FILE = _FOLDER / "data/findings.tsv"
PLACES_FILE = _FOLDER / "data/places.tsv"
STATES_FILE = _FOLDER / "data/states.tsv"
STATEMENTS_FILE = _FOLDER / "data/statements.tsv"
CUES_FILE = _FOLDER / "data/cues.tsv"
SYNTAX_FILE = _FOLDER / "data/syntax.tsv"
FINDING_PLACES_FILE = _FOLDER / "data/finding_places.tsv"

CUES = frozenset(
    [
        "deny_before",
        "deny_after",
        "doubt_before",
        "doubt_after",
        "alternate",
        "remove_before",
        "remove_after",
        "remove_near",
        "history_before",
        "history_after",
        "past_before",
        "none_before",
        "none_after",
        "none_around",
        "compare_before",
        "compare_around",
        "affirm",
    ]
)
ROLES = frozenset(
    [
        "verb",
        "there",
        "prep",
        "and",
        "or",
        "slash",
        "comma",
        "with",
        "break",
        "aside",
        "anaphor",
        "ends",
    ]
)
_SIDES: Mapping[str, tuple[str, ...]] = {
    "-": (),
    "left": ("left",),
    "right": ("right",),
    "both": ("left", "right"),
}
_NUMBERS = ("one", "pair")


@lru_cache(maxsize=1)
def shared_lexicon() -> Lexicon:
    """Return the lexicon that ships with the package; it is read once per process."""
    return Lexicon(
        trie=build_trie(_merged_entries().items()),
        statements=_read_statements(),
        place_rules=_read_place_rules(),
    )


def expand(pattern: str) -> list[str]:
    """Return the phrases that a pattern with (alternatives|...) stands for.

    An empty alternative makes its place optional: "opacit(y|ies)", "(lung |)base".
    Groups may be nested.

    Raises:
        ValueError: If the brackets do not pair.
    """
    phrases, rest = _expand_options(pattern)
    if rest:
        raise ValueError(
            f"expand: expected paired brackets, found '{pattern}'. Each ( needs its )."
        )
    return phrases


def read_rows(path: Path, *, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Return the rows of one lexicon file; lines that start with # are comments.

    Raises:
        ValueError: With file and line, if the header or a row does not fit.
    """
    rows: list[dict[str, str]] = []
    has_header = False
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) != len(columns) or (not has_header and tuple(cells) != columns):
            what = "columns" if has_header else "header"
            raise ValueError(
                f"{path.name}, line {number}: expected the {what} {list(columns)}, "
                f"found {cells}. Separate columns by single tabs."
            )
        if has_header:
            rows.append(dict(zip(columns, cells, strict=True)))
        has_header = True
    return rows


def _spellings(pattern: str) -> list[str]:
    # A bracket alone is the mark itself.
    return [pattern] if pattern in ("(", ")") else expand(pattern)


def _expand_options(pattern: str) -> tuple[list[str], str]:
    """Expand up to the bracket that closes this level; return what follows it."""
    options: list[str] = []
    phrases = [""]
    while pattern:
        char, pattern = pattern[0], pattern[1:]
        if char == ")":
            return options + phrases, ")" + pattern
        if char == "|":
            options, phrases = options + phrases, [""]
        elif char == "(":
            inner, pattern = _expand_options(pattern)
            if not pattern:
                return [], "("
            pattern = pattern[1:]
            phrases = [phrase + option for phrase in phrases for option in inner]
        else:
            phrases = [phrase + char for phrase in phrases]
    return options + phrases, ""


def _merged_entries() -> dict[tuple[str, ...], Entry]:
    """Join what the files say of the same phrase."""
    merged: dict[tuple[str, ...], Entry] = {}
    for path, columns, read in _ENTRY_FILES:
        for phrase, entry in _read_entries(path, columns=columns, read=read).items():
            known = merged.get(phrase)
            merged[phrase] = entry if known is None else known.joined(entry)
    return merged


def _read_entries(
    path: Path,
    *,
    columns: tuple[str, ...],
    read: Callable[[dict[str, str]], Entry],
) -> dict[tuple[str, ...], Entry]:
    entries: dict[tuple[str, ...], Entry] = {}
    for row in read_rows(path, columns=columns):
        entry = read(row)
        for spelling in _spellings(row["phrase"]):
            phrase = tuple(Words(spelling))
            if not phrase:
                raise ValueError(
                    f"{path.name}: expected words, found an empty alternative for the "
                    f"whole of '{row['phrase']}'. Take the last | out."
                )
            known = entries.setdefault(phrase, entry)
            if known is not entry and known != entry:
                raise ValueError(
                    f"{path.name}: expected one meaning of '{' '.join(phrase)}', found "
                    f"a second one in '{row['phrase']}'. Keep one of the two."
                )
    return entries


def _finding(row: dict[str, str]) -> Entry:
    if row["findings"] == "-":
        return Entry()
    findings = tuple(row["findings"].split("+"))
    for finding in findings:
        _expect(finding, FINDINGS, row=row, what="finding")
    if row["place"] == "-":
        return Entry(findings=findings)
    zone, _, number = row["place"].partition(" ")
    _expect(zone, ZONES, row=row, what="zone")
    _expect(number, ("", "pair"), row=row, what="number")
    return Entry(findings=findings, place=zone, is_pair=number == "pair")


def _place(row: dict[str, str]) -> Entry:
    _expect(row["side"], _SIDES, row=row, what="side")
    _expect(row["number"], _NUMBERS, row=row, what="number")
    if row["zone"] != "-":
        _expect(row["zone"], ZONES, row=row, what="zone")
    return Entry(
        is_place=True,
        zone=None if row["zone"] == "-" else row["zone"],
        sides=_SIDES[row["side"]],
        is_pair=row["number"] == "pair",
    )


def _state(row: dict[str, str]) -> Entry:
    return Entry(state=row["state"])


def _cue(row: dict[str, str]) -> Entry:
    cues = row["cue"].split("+")
    if cues == ["shield"]:
        return Entry()
    for cue in cues:
        _expect(cue, CUES, row=row, what="cue")
    return Entry(cues=frozenset(cues))


def _role(row: dict[str, str]) -> Entry:
    _expect(row["role"], ROLES, row=row, what="role")
    return Entry(role=row["role"])


_ENTRY_FILES: tuple[
    tuple[Path, tuple[str, ...], Callable[[dict[str, str]], Entry]], ...
] = (
    (FINDINGS_FILE, ("phrase", "findings", "place", "source", "reason"), _finding),
    (PLACES_FILE, ("phrase", "zone", "side", "number", "reason"), _place),
    (STATES_FILE, ("phrase", "state", "reason"), _state),
    (CUES_FILE, ("phrase", "cue", "reason"), _cue),
    (SYNTAX_FILE, ("phrase", "role", "reason"), _role),
)


def _read_statements() -> dict[tuple[str, str], tuple[tuple[str, Existence], ...]]:
    statements: dict[tuple[str, str], tuple[tuple[str, Existence], ...]] = {}
    columns = ("zone", "state", "finding", "existence", "reason")
    for row in read_rows(STATEMENTS_FILE, columns=columns):
        _expect(row["zone"], [*ZONES, *FINDINGS], row=row, what="zone or finding")
        _expect(row["finding"], FINDINGS, row=row, what="finding")
        _expect(row["existence"], list(Existence), row=row, what="existence")
        key = (row["zone"], row["state"])
        claim = (row["finding"], Existence(row["existence"]))
        statements[key] = (*statements.get(key, ()), claim)
    return statements


def _read_place_rules() -> dict[str, PlaceRule]:
    rules: dict[str, PlaceRule] = {}
    columns = ("finding", "default", "spread", "zones", "moved")
    for row in read_rows(FINDING_PLACES_FILE, columns=columns):
        _expect(row["finding"], FINDINGS, row=row, what="finding")
        _expect(row["spread"], ("one", "both"), row=row, what="spread")
        named = [] if row["zones"] == "*" else row["zones"].split()
        moves = [] if row["moved"] == "-" else row["moved"].split()
        moved = dict(move.split(">", maxsplit=1) for move in moves)
        default = None if row["default"] == "-" else row["default"]
        for zone in (*named, *moved, *moved.values(), *filter(None, [default])):
            _expect(zone, ZONES, row=row, what="zone")
        rules[row["finding"]] = PlaceRule(
            default=default,
            is_spread=row["spread"] == "both",
            zones=None if row["zones"] == "*" else frozenset(named),
            moved=moved,
        )
    missing = [finding for finding in FINDINGS if finding not in rules]
    if missing:
        raise ValueError(
            f"{FINDING_PLACES_FILE.name}: expected a line for each of the "
            f"{len(FINDINGS)} findings, missing {missing}"
        )
    return rules


def _expect(
    value: str,
    allowed: Collection[str],
    *,
    row: dict[str, str],
    what: str,
) -> None:
    if value not in allowed:
        raise ValueError(
            f"Lexicon row {row}: expected a {what} out of {sorted(allowed)}, found "
            f"'{value}'"
        )
