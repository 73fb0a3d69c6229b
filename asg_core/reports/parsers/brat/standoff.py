"""Read one BRAT standoff file: entities, their attributes, and relations between them.

A line is text-bound ("T1<tab>Problem 3 11<tab>effusion"), a relation ("R1<tab>located_at
Arg1:T1 Arg2:T2") or an attribute ("A1<tab>Negated T1", "A1<tab>Assertion T1 absent").
Events, equivalences, normalisations and notes are counted and not read.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from asg_core.reports.parsers.parser import Span

_PIECE = r"\d{1,9} \d{1,9}"
_ENTITY = re.compile(rf"(T\S+)\t(\S+) ({_PIECE}(?:;{_PIECE})*)\t(.*)", re.ASCII)
_RELATION = re.compile(r"(R\S+)\t(\S+) [^\s:]+:(\S+) [^\s:]+:(\S+)", re.ASCII)
_ATTRIBUTE = re.compile(r"([AM]\S+)\t(\S+) (\S+)(?: (\S.*))?", re.ASCII)
_UNREAD = {"E": "events", "*": "equivalences", "N": "normalisations", "#": "notes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """One entity as it is written: label, characters of the text, attributes."""

    label: str
    span: Span
    attributes: list[tuple[str, str]] = field(default_factory=list)
    """Name and value of each; the value is empty where only the name is written."""

    relations: list[tuple[str, str]] = field(default_factory=list)
    """Name and the id of the other entity, of those that this one is the first of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standoff:
    """What a file says, and what it holds that is not read."""

    entities: dict[str, Marked]
    unread: Counter[str]
    """Lines of a kind that is not read, and entities in pieces."""

    broken: list[str]
    """A sentence for each line that cannot be read: line, expected what, found what."""


def read_standoff(annotations: str, *, text: str) -> Standoff:
    """Return what the lines of a .ann file say about the text of its .txt file.

    An entity in pieces is taken from its first character to its last. A line that cannot
    be read is told in `broken`, and what refers to it is too.
    """
    read = Standoff(entities={}, unread=Counter(), broken=[])
    later: list[tuple[int, str]] = []
    for number, line in enumerate(annotations.split("\n"), start=1):
        kind = line[:1]
        if not line.strip():
            continue
        if kind in _UNREAD:
            read.unread[_UNREAD[kind]] += 1
        elif kind == "T":
            _read_entity(line.rstrip("\r"), number, text=text, read=read)
        elif kind in "RAM":
            later.append((number, line))
        else:
            read.broken.append(
                f"line {number}: expected an id that begins with T, R, A, M, E, N, * or #, "
                "found another."
            )
    # They may stand before what they refer to.
    for number, line in later:
        problem = _read_reference(line, read.entities)
        if problem:
            read.broken.append(f"line {number}: {problem}")
    return read


def _read_entity(line: str, number: int, *, text: str, read: Standoff) -> None:
    problem, pieces = "", []
    match = _ENTITY.fullmatch(line)
    if match is None:
        problem = "expected an id, a label with offsets, and words, between tabs"
    else:
        pieces = list(_pieces(match[3]))
        problem = _problem_of(match, pieces, text=text, known=read.entities)
    if match is None or problem:
        read.broken.append(f"line {number}: {problem}, found something else.")
        return
    if len(pieces) > 1:
        read.unread["entities in pieces, taken as one stretch"] += 1
    span = (pieces[0][0], pieces[-1][1])
    read.entities[match[1]] = Marked(label=match[2], span=span)


def _pieces(offsets: str) -> Iterator[Span]:
    for piece in offsets.split(";"):
        start, end = piece.split(" ")
        yield int(start), int(end)


def _problem_of(
    match: re.Match[str], pieces: list[Span], *, text: str, known: dict[str, Marked]
) -> str:
    """Return what is expected of an entity's line and is not so; nothing if all is."""
    if match[1] in known:
        return f"expected one entity {match[1]}"
    edges = [edge for piece in pieces for edge in piece]
    is_rising = all(start < end for start, end in pieces) and edges == sorted(edges)
    if not is_rising or edges[-1] > len(text):
        return f"expected rising offsets of at most {len(text)}, the length of the text"
    words = " ".join(text[start:end] for start, end in pieces)
    if not words.split() or words.split() != match[4].split():
        return "expected the words that stand at the offsets"
    return ""


def _read_reference(line: str, entities: dict[str, Marked]) -> str:
    """Note a relation or an attribute at its entity; return what is wrong with it."""
    line = line.rstrip()
    relation, attribute = _RELATION.fullmatch(line), _ATTRIBUTE.fullmatch(line)
    if relation is not None:
        names = [relation[3], relation[4]]
    elif attribute is not None:
        names = [attribute[3]]
    else:
        return (
            "expected an id, and a relation of two entities or an attribute of one, "
            "found something else."
        )
    missing = [name for name in names if name not in entities]
    if missing:
        # The id alone: the rest could be the report's words.
        return "expected ids of entities that could be read, found another."
    if relation is not None:
        entities[names[0]].relations.append((relation[2], names[1]))
    elif attribute is not None:
        entities[names[0]].attributes.append((attribute[2], attribute[4] or ""))
    return ""
