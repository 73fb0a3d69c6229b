"""The words of the synthetic reports, read from the files of `wording/`.

Every file is a table with one entry a line, tab-separated, with a header line, so that a
radiologist can add a synonym without reading code. In `nouns.tsv` and `places.tsv` square
brackets mark the words that name the place; `{S}` stands for left or right, `{D}` for the
direction of a shift. `kinds` says whether a form is for stating ("positive"), for denying
("absent") or for both (empty). A place restriction is empty, "one", "both" (how many
places), a place or several joined by "+", or a word that each place must contain; commas
separate alternatives.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from asg_core.terms.findings import FINDINGS
from asg_core.terms.regions import PLACES, side_of

WORDING = Path(__file__).with_name("wording")

POSITIVE, ABSENT = "positive", "absent"

Places = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A few words, with the part of them that names a place."""

    text: str
    place: tuple[int, int] | None
    """Characters of `text`, half-open; None when the words name no place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """One way to name a finding."""

    number: str
    """ "one", "many" or "mass": decides the article and the verb."""

    variant: str
    """Forms of two different variants never name the same thing in one report."""

    joined_by: str
    """How a place may be added: "adj", "at", "none", or "" for any of them."""

    form: Marked


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceForm:
    """One way to name a place: before a noun, or after it with a preposition."""

    preposition: str
    """Empty for an adjective ("bibasilar")."""

    form: Marked


@dataclass(frozen=True, slots=True, kw_only=True)
class Modifier:
    """A word for the extent of a finding."""

    variant: str
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """Where a finding is denied when the words name no side, and when it may be."""

    places: Places
    topic: str
    weight: float
    never_beside: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A sentence without claims, or a line of a section that is not read."""

    topic: str
    never_beside: frozenset[str]
    text: str


def read_rows(name: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the lines of one file of `wording/` with "file:line" before each.

    Raises:
        ValueError: If a line has not as many cells as the header.
    """
    with (WORDING / name).open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        for number, row in enumerate(reader, start=2):
            if None in row or None in row.values():
                raise ValueError(
                    f"wording/{name}:{number}: expected {len(reader.fieldnames or ())} "
                    f"cells separated by tabs, found {row}; add or remove a tab"
                )
            yield f"wording/{name}:{number}", row


def split_list(cell: str) -> tuple[str, ...]:
    """Return the parts of a cell that are separated by commas."""
    return tuple(part.strip() for part in cell.split(",") if part.strip())


@cache
def finding_groups() -> dict[str, frozenset[str]]:
    """Return the named groups of findings, and each finding as its own group."""
    groups = {finding: frozenset([finding]) for finding in FINDINGS}
    for where, row in read_rows("groups.tsv"):
        members = split_list(row["findings"])
        _check_findings(members, where=where)
        groups[row["group"]] = frozenset(members)
    groups["*"] = frozenset(FINDINGS)
    return groups


@cache
def find_members(about: str, *, where: str) -> frozenset[str]:
    """Return the findings that a cell such as "lung, pneumothorax" names.

    Raises:
        ValueError: If a name is neither a group nor a finding.
    """
    groups = finding_groups()
    for name in split_list(about):
        if name not in groups:
            raise ValueError(
                f"{where}: expected a finding or a group of wording/groups.tsv, found "
                f"'{name}'"
            )
    return frozenset().union(*(groups[name] for name in split_list(about)))


@cache
def places_fit(restriction: str, places: Places) -> bool:
    """Say whether `places` satisfy a place restriction (see the module)."""
    if restriction in ("one", "one side"):
        sided = [place for place in places if side_of(place) is not None]
        return len(places) == 1 and (restriction == "one" or len(sided) == 1)
    if restriction in ("both", "both sides"):
        return len(places) == 2
    alternatives = split_list(restriction)
    return not alternatives or any(_names(word, places) for word in alternatives)


def _names(word: str, places: Places) -> bool:
    names = word.split("+")
    if all(name in PLACES for name in names):
        return set(names) == set(places)
    return all(word in place for place in places)


def parse_marked(text: str) -> Marked:
    """Read "at the [left base]" as its words and the part in brackets."""
    start, end = text.find("["), text.find("]")
    if start < 0:
        return Marked(text=text, place=None)
    plain = text.replace("[", "").replace("]", "")
    return Marked(text=plain, place=(start, end - 1))


@cache
def find_nouns(finding: str, places: Places, polarity: str) -> tuple[Noun, ...]:
    """Return the nouns that can name `finding` at `places`."""
    return tuple(
        noun
        for kinds, restriction, noun in _nouns().get(finding, ())
        if kinds in ("", polarity) and places_fit(restriction, places)
    )


@cache
def _nouns() -> dict[str, list[tuple[str, str, Noun]]]:
    found: dict[str, list[tuple[str, str, Noun]]] = {}
    for where, row in read_rows("nouns.tsv"):
        _check_findings([row["finding"]], where=where)
        if row["number"] not in ("one", "many", "mass"):
            raise ValueError(
                f"{where}: expected the number one, many or mass, found "
                f"'{row['number']}'"
            )
        noun = Noun(
            number=row["number"],
            variant=row["variant"],
            joined_by=row["joined by"],
            form=parse_marked(row["form"]),
        )
        entry = (row["kinds"], row["places"], noun)
        found.setdefault(row["finding"], []).append(entry)
    return found


@cache
def find_place_forms(
    finding: str, places: Places, polarity: str
) -> tuple[PlaceForm, ...]:
    """Return the ways to name `places` beside `finding`."""
    forms = _place_forms().get(frozenset(places), ())
    return tuple(
        form
        for about, kinds, form in forms
        if kinds in ("", polarity) and finding in about
    )


@cache
def _place_forms() -> dict[frozenset[str], list[tuple[frozenset[str], str, PlaceForm]]]:
    found: dict[frozenset[str], list[tuple[frozenset[str], str, PlaceForm]]] = {}
    for where, row in read_rows("places.tsv"):
        about = find_members(row["about"], where=where)
        for side in ("left", "right"):
            places = frozenset(row["places"].replace("{S}", side).split("+"))
            _check_places(places, where=where)
            joined_by = row["joined by"]
            form = PlaceForm(
                preposition="" if joined_by == "adj" else joined_by,
                form=parse_marked(row["text"].replace("{S}", side)),
            )
            found.setdefault(places, []).append((about, row["kinds"], form))
            if "{S}" not in row["places"]:
                break
    return found


@cache
def is_implied(finding: str, places: Places, polarity: str) -> bool:
    """Say whether the bare name of `finding` means these places.

    Stated findings: implied.tsv. Denied findings: the first line of denials.tsv.
    """
    if polarity == ABSENT:
        rows = read_denials().get(finding, ())
        return bool(rows) and set(rows[0].places) == set(places)
    return any(
        row["finding"] == finding and set(row["places"].split("+")) == set(places)
        for _, row in read_rows("implied.tsv")
    )


@cache
def read_denials() -> dict[str, tuple[Denial, ...]]:
    """Return denials.tsv by finding."""
    found: dict[str, tuple[Denial, ...]] = {}
    for where, row in read_rows("denials.tsv"):
        _check_findings([row["finding"]], where=where)
        places = tuple(row["places"].split("+"))
        _check_places(places, where=where)
        never_beside = split_list(row["never beside"])
        _check_findings(never_beside, where=where)
        denial = Denial(
            places=places,
            topic=row["topic"],
            weight=float(row["weight"]),
            never_beside=frozenset(never_beside),
        )
        found[row["finding"]] = (*found.get(row["finding"], ()), denial)
    return found


def is_beside(finding: str, others: frozenset[str]) -> bool:
    """Say whether denying `finding` would contradict one of `others`."""
    denials = read_denials().get(finding, ())
    return finding in others or any(row.never_beside & others for row in denials)


@cache
def find_alternatives(finding: str, places: Places) -> tuple[str, ...]:
    """Return what a reader would also consider where `finding` is seen."""
    return tuple(
        name
        for _, row in read_rows("alternatives.tsv")
        if row["finding"] == finding and places_fit(row["places"], places)
        for name in split_list(row["alternatives"])
    )


@cache
def find_modifiers(finding: str, level: str, how: str) -> tuple[Modifier, ...]:
    """Return the words for a level of severity.

    Args:
        finding: Name of the finding.
        level: "low", "mid" or "high".
        how: "adj" ("mild"), "adv" ("mildly") or "always" (the noun needs one).
    """
    return tuple(
        Modifier(variant=row["variant"], word=row["word"])
        for where, row in read_rows("severity.tsv")
        if row["how"] == how
        and level in split_list(row["levels"])
        and finding in find_members(row["about"], where=where)
    )


@cache
def find_phrases(where: str) -> tuple[Phrase, ...]:
    """Return the sentences without claims of one kind from boilerplate.tsv."""
    return tuple(
        Phrase(
            topic=row["topic"],
            never_beside=frozenset(split_list(row["never beside"])),
            text=row["text"],
        )
        for _, row in read_rows("boilerplate.tsv")
        if row["where"] == where
    )


@cache
def find_parts(part: str) -> tuple[str, ...]:
    """Return the lines of layout.tsv for one part of a report.

    Raises:
        ValueError: If the file has no such part.
    """
    found = tuple(
        row["text"] for _, row in read_rows("layout.tsv") if row["part"] == part
    )
    if not found:
        raise ValueError(f"wording/layout.tsv: expected lines for '{part}', found none")
    return found


def _check_findings(names: Sequence[str], *, where: str) -> None:
    unknown = [name for name in names if name not in FINDINGS]
    if unknown:
        raise ValueError(
            f"{where}: expected findings of asg_core.terms.findings, found {unknown}"
        )


def _check_places(names: Sequence[str] | frozenset[str], *, where: str) -> None:
    unknown = [name for name in names if name not in PLACES]
    if unknown:
        raise ValueError(
            f"{where}: expected places of asg_core.terms.regions, found {unknown}"
        )
