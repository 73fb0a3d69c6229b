"""Read what each phrase means from the five files of phrases.

These are `findings.tsv`, `places.tsv`, `states.tsv`, `cues.tsv` and `syntax.tsv`. One
phrase may stand in several of them; within a file it has one meaning.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from asg_core.reports.lexicon.files import Row, read_rows
from asg_core.reports.lexicon.phrases import Entry, Words
from asg_core.reports.lexicon.zones import ZONES
from asg_core.terms.findings import FINDINGS

_REACHES = ("before", "after", "around")
EFFECTS = ("none", "remove", "deny", "history", "doubt", "compare")
"""What a cue can do to a finding, the stronger first."""
CUES = frozenset(
    {f"{effect}_{where}" for effect in EFFECTS for where in _REACHES}
    | {"remove_near", "past_before", "alternate", "affirm", "apart", "turned"}
)
ROLES = frozenset(
    {"verb", "there", "prep", "and", "or", "slash", "comma", "with", "break"}
    | {"aside", "anaphor", "ends", "alike", "overlap", "seeming", "pronoun"}
)
_SIDES: Mapping[str, tuple[str, ...]] = {
    "-": (),
    "left": ("left",),
    "right": ("right",),
    "both": ("left", "right"),
}
_NUMBERS = ("one", "pair")


def read_entries(path_of: Callable[[str], Path]) -> dict[tuple[str, ...], Entry]:
    """Return the phrases of all files, each as its words, joined where they are equal.

    Args:
        path_of: Where the file of a name lies.

    Raises:
        ValueError: With file and line, where an entry does not fit.
    """
    merged: dict[tuple[str, ...], Entry] = {}
    for name, (columns, read) in _FILES.items():
        rows = read_rows(path_of(name), columns=columns)
        for phrase, entry in _entries(rows, read).items():
            known = merged.get(phrase)
            merged[phrase] = entry if known is None else known.joined(entry)
    return merged


def _entries(
    rows: list[Row], read: Callable[[Row], Entry]
) -> dict[tuple[str, ...], Entry]:
    entries: dict[tuple[str, ...], Entry] = {}
    for row in rows:
        entry = read(row)
        for spelling in _spellings(row):
            phrase = tuple(Words(spelling))
            if not phrase:
                raise row.error("words", f"none in an alternative of '{row['phrase']}'")
            known = entries.setdefault(phrase, entry)
            if known is not entry and known != entry:
                raise row.error(
                    f"one meaning of '{' '.join(phrase)}'", "a second one in this file"
                )
    return entries


def _spellings(row: Row) -> list[str]:
    # A bracket alone is the mark itself.
    if row["phrase"] in ("(", ")"):
        return [row["phrase"]]
    spellings = row.phrases("phrase")
    apart = [
        each.replace("cannot", "can not") for each in spellings if "cannot" in each
    ]
    return spellings + apart


def _finding(row: Row) -> Entry:
    findings = row.listed("findings", between="+")
    for finding in findings:
        row.expect(finding, FINDINGS, "a finding")
    if not findings or row["place"] == "-":
        return Entry(findings=findings)
    zone = row["place"].removesuffix(" pair")
    row.expect(zone, ZONES, "a zone")
    return Entry(findings=findings, place=zone, is_pair=zone != row["place"])


def _place(row: Row) -> Entry:
    row.expect(row["side"], _SIDES, "a side")
    row.expect(row["number"], _NUMBERS, "a number")
    row.expect(row["zone"], {*ZONES, "-"}, "a zone")
    return Entry(
        is_place=True,
        zone=None if row["zone"] == "-" else row["zone"],
        sides=_SIDES[row["side"]],
        is_pair=row["number"] == "pair",
    )


def _state(row: Row) -> Entry:
    return Entry(state=row["state"])


def _cue(row: Row) -> Entry:
    if row["cue"] == "shield":
        return Entry()
    cues = row["cue"].split("+")
    for cue in cues:
        row.expect(cue, CUES, "a cue")
    return Entry(cues=frozenset(cues))


def _role(row: Row) -> Entry:
    row.expect(row["role"], ROLES, "a role")
    return Entry(role=row["role"])


_FILES: Mapping[str, tuple[tuple[str, ...], Callable[[Row], Entry]]] = {
    "findings.tsv": (("phrase", "findings", "place", "source", "reason"), _finding),
    "places.tsv": (("phrase", "zone", "side", "number", "reason"), _place),
    "states.tsv": (("phrase", "state", "reason"), _state),
    "cues.tsv": (("phrase", "cue", "reason"), _cue),
    "syntax.tsv": (("phrase", "role", "reason"), _role),
}
