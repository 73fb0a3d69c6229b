"""The notation of sentence templates, parsed once into a tree.

(a|b|)             one of the alternatives
<1> <a 1> <the 1>  the finding of claim 1 as a noun with its place; with an article
<a [new] 1>        words between the article and the noun
<1!> <1~>          the noun without its place; without a word for its severity
<at 1>             the place of claim 1 with its preposition; <at 1,2> shares it
<place 1>          the place as a noun: "the left lower lobe"
<f:...> <f1,2:..>  these words state the finding of claim 1; of claims 1 and 2
<p:...> <p2:...>   these words name the place; <p lung:...> of all listed claims
                   whose finding is in that group
[...] [2:...]      the cue that decides existence or context, of all claims or of one;
                   [list:...] of the claims of a list
<list or>          all claims of a list joined by "or"; <list no>: "no ..., no ..."
<mildly> <mild>    an adverb or adjective for the severity of claim 1, or nothing
<prior>            a way to name the earlier study
{is} {has 2}       a verb that agrees with claim 1, with claim 2; {is last}
{mm} {S} {D} ...   values: a size, the side of claim 1, the direction of a shift

Claims are numbered from 1 in templates and from 0 in the tree.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LIST = -1
"""Stands for "every claim of the list" where a claim number is expected."""


@dataclass(frozen=True, slots=True)
class Literal:
    """Words that are always the same."""

    text: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several sequences of nodes."""

    options: tuple[tuple["Node", ...], ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """Nodes whose words are the finding, the place or the cue of some claims."""

    role: str
    """ "f", "p" or "c"."""

    claims: tuple[int, ...]
    """0-based; empty for all claims that have no cue of their own."""

    group: str
    """Which of the listed claims; empty for all."""

    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class NounSlot:
    """A claim's finding as a noun."""

    claim: int
    article: str
    before: tuple["Node", ...]
    has_place: bool
    has_severity: bool


@dataclass(frozen=True, slots=True)
class PlaceSlot:
    """A claim's place."""

    claims: tuple[int, ...]
    has_preposition: bool


@dataclass(frozen=True, slots=True)
class ListSlot:
    """All claims of a list, as nouns."""

    conjunction: str


@dataclass(frozen=True, slots=True)
class Value:
    """A word that depends on the claim, the study or chance."""

    name: str
    claim: int


Node = Literal | Choice | Mark | NounSlot | PlaceSlot | ListSlot | Value

_NOUN = re.compile(r"(?:(a|the) )?(.*?)(\d)([!~]*)$")
_MARK = re.compile(r"([fp])(?: ([a-z ]+)|(\d(?:,\d)*))?:")
_CUE = re.compile(r"(?:(\d(?:,\d)*)|(list)):")
_DEGREES = ("mildly", "mild", "prior")

FOR_MANY = {
    "is": "are",
    "has": "have",
    "was": "were",
    "it": "they",
    "this": "these",
    "persists": "persist",
    "remains": "remain",
    "reflects": "reflect",
    "represents": "represent",
}
"""The words that agree with a noun, and their form beside a plural."""

_VALUES = (*FOR_MANY, "mm", "cm", "ptx", "tube", "S", "D", "hour", "minute")


def parse_template(text: str, *, where: str) -> tuple[Node, ...]:
    """Parse one template.

    Raises:
        ValueError: If a bracket is not closed or a slot is not known; the message
            starts with `where`.
    """
    reader = _TemplateReader(text=text, where=where)
    nodes = reader.read_until("")
    return tuple(nodes)


def walk(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """Yield every node of a tree, parents first."""
    for node in nodes:
        yield node
        if isinstance(node, Choice):
            for option in node.options:
                yield from walk(option)
        elif isinstance(node, Mark):
            yield from walk(node.nodes)
        elif isinstance(node, NounSlot):
            yield from walk(node.before)


class _TemplateReader:
    """A cursor over one template."""

    def __init__(self, *, text: str, where: str) -> None:
        self._text = text
        self._where = where
        self._at = 0

    def read_until(self, closing: str) -> list[Node]:
        """Read nodes up to one of the characters in `closing`, which is not consumed."""
        nodes: list[Node] = []
        while self._at < len(self._text) and self._text[self._at] not in closing:
            nodes.append(self._read_node())
        if closing and self._at >= len(self._text):
            raise ValueError(
                f"{self._where}: expected one of '{closing}' to close a bracket, found "
                f"the end of the template '{self._text}'"
            )
        return nodes

    def _read_node(self) -> Node:
        opening = self._text[self._at]
        if opening == "(":
            return self._read_choice()
        if opening == "[":
            return self._read_cue()
        if opening == "<":
            return self._read_slot()
        if opening == "{":
            return self._read_value()
        stop = re.compile(r"[(\[<{)\]>|]").search(self._text, self._at)
        end = stop.start() if stop else len(self._text)
        if end == self._at:
            raise ValueError(
                f"{self._where}: expected words, found '{opening}' at character "
                f"{self._at} of '{self._text}'"
            )
        literal = Literal(self._text[self._at : end])
        self._at = end
        return literal

    def _read_choice(self) -> Choice:
        options: list[tuple[Node, ...]] = []
        while self._text[self._at] != ")":
            self._at += 1
            options.append(tuple(self.read_until("|)")))
        self._at += 1
        return Choice(tuple(options))

    def _read_cue(self) -> Mark:
        self._at += 1
        index = _CUE.match(self._text, self._at)
        claims: tuple[int, ...] = ()
        if index:
            self._at = index.end()
            claims = (LIST,) if index[2] else _claims(index[1])
        nodes = tuple(self.read_until("]"))
        self._at += 1
        return Mark(role="c", claims=claims, group="", nodes=nodes)

    def _read_slot(self) -> Node:
        self._at += 1
        mark = _MARK.match(self._text, self._at)
        if mark:
            self._at = mark.end()
            nodes = tuple(self.read_until(">"))
            self._at += 1
            claims = (LIST,) if mark[2] else _claims(mark[3] or "1")
            return Mark(role=mark[1], claims=claims, group=mark[2] or "", nodes=nodes)
        end = self._text.find(">", self._at)
        slot = self._text[self._at : end]
        self._at = end + 1
        return self._parse_slot(slot)

    def _parse_slot(self, slot: str) -> Node:
        name, _, rest = slot.partition(" ")
        if slot in _DEGREES:
            return Value(name=slot, claim=0)
        if name == "list" and rest in ("or", "no"):
            return ListSlot(conjunction=rest)
        if name in ("at", "place") and rest:
            return PlaceSlot(claims=_claims(rest), has_preposition=name == "at")
        noun = _NOUN.match(slot)
        if noun is None:
            raise ValueError(
                f"{self._where}: expected a slot of asg_core.synthetic.writing."
                f"templates, found '<{slot}>'"
            )
        return NounSlot(
            claim=int(noun[3]) - 1,
            article=noun[1] or "",
            before=parse_template(noun[2].strip(), where=self._where),
            has_place="!" not in noun[4],
            has_severity="~" not in noun[4],
        )

    def _read_value(self) -> Value:
        end = self._text.find("}", self._at)
        name, _, claim = self._text[self._at + 1 : end].partition(" ")
        self._at = end + 1
        if name not in _VALUES:
            raise ValueError(
                f"{self._where}: expected a value or a verb of {_VALUES}, found "
                f"'{{{name}}}'"
            )
        # {is last} agrees with the last claim, whichever number it has.
        return Value(name=name, claim=LIST if claim == "last" else int(claim or 1) - 1)


def _claims(numbers: str) -> tuple[int, ...]:
    """Read "1,2" as the 0-based (0, 1)."""
    return tuple(int(number) - 1 for number in numbers.split(","))
