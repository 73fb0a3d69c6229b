"""Filling a frame: words, and where in them each claim's finding, place and cue are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from asg_core.synthetic.writing.grammar import ClaimPattern, SentenceFrame
from asg_core.synthetic.writing.statements import Kind, Memory, Statement
from asg_core.synthetic.writing.templates import (
    FOR_MANY,
    LIST,
    Choice,
    ListSlot,
    Literal,
    Mark,
    Node,
    NounSlot,
    PlaceSlot,
    Value,
    parse_template,
)
from asg_core.synthetic.writing.word_choice import SIZES, Chooser, Name
from asg_core.synthetic.writing.words import Marked, PlaceForm, find_members, find_parts
from asg_core.terms.regions import side_of

Span = tuple[int, int]

_DEGREES = {"mildly": "adv", "mild": "adj"}
_CLOCK = {"hour": (1, 12), "minute": (10, 59)}
_VOWEL_SOUND = re.compile(r"(?!uni|use|eu|one)[aeiou8]|11\b|18\b", re.IGNORECASE)
_CLOSING = frozenset(",.;:)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSpans:
    """One claim of a sentence; spans are characters of the sentence, half-open."""

    statement: Statement
    finding: Span
    place: Span | None
    cue: Span | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenSentence:
    """A sentence and what it claims."""

    text: str
    claims: tuple[ClaimSpans, ...]
    frame_id: str
    """The frame, or the template of a sentence without claims."""

    topic: str = ""


@dataclass(slots=True)
class _Line:
    """Text under construction; keeps single spaces and turns "a" into "an"."""

    parts: list[str] = field(default_factory=list)
    length: int = 0
    has_gap: bool = False
    waiting: list[list[int]] = field(default_factory=list)

    def begin(self) -> list[int]:
        """Return a cell that will hold where the next words start."""
        cell: list[int] = []
        self.waiting.append(cell)
        return cell

    def add(self, text: str) -> None:
        """Append words; spaces at either end become at most one."""
        body = text.strip(" ")
        if not body:
            self.has_gap = self.has_gap or bool(text)
            return
        if (self.has_gap or text[0] == " ") and self.parts:
            self._bridge(body)
        for cell in self.waiting:
            cell.append(self.length)
        self.waiting.clear()
        self.parts.append(body)
        self.length += len(body)
        self.has_gap = text[-1] == " "

    def _bridge(self, body: str) -> None:
        if body[0] in _CLOSING:
            return
        last = self.parts[-1]
        if last[-1] in "aA" and last[-2:-1] in ("", " ") and _VOWEL_SOUND.match(body):
            self.parts[-1] = last + "n"
            self.length += 1
        self.parts.append(" ")
        self.length += 1


def write_sentence(
    frame: SentenceFrame,
    statements: Sequence[Statement],
    *,
    memory: Memory,
    topic: str = "",
) -> WrittenSentence:
    """Put `statements` into the words of a frame that takes them."""
    filler = _Filler(frame=frame, statements=statements, memory=memory)
    filler.fill(frame.nodes)
    memory.used_frames.add(frame.frame_id)
    memory.last_number = filler.first_number()
    return WrittenSentence(
        text=_finish("".join(filler.line.parts)),
        claims=filler.collect(),
        frame_id=frame.frame_id,
        topic=topic,
    )


def fill_words(template: str, *, memory: Memory) -> str:
    """Return the words of a template without claims, neither capital nor stop added."""
    if "|" not in template and "{" not in template:
        return template
    filler = _Filler(frame=None, statements=(), memory=memory)
    filler.fill(_parse(template, where="wording/layout.tsv"))
    return "".join(filler.line.parts)


def write_phrase(template: str, *, memory: Memory, topic: str = "") -> WrittenSentence:
    """Write a sentence that claims nothing."""
    filler = _Filler(frame=None, statements=(), memory=memory)
    filler.fill(_parse(template, where="wording/boilerplate.tsv"))
    text = _finish("".join(filler.line.parts))
    return WrittenSentence(text=text, claims=(), frame_id=template, topic=topic)


@cache
def _parse(template: str, *, where: str) -> tuple[Node, ...]:
    return parse_template(template, where=where)


def _finish(text: str) -> str:
    """Start with a capital and end with a full stop."""
    stop = "" if text.endswith(".") else "."
    return text[0].upper() + text[1:] + stop


class _Filler:
    """One walk over the tree of a frame."""

    def __init__(
        self,
        *,
        frame: SentenceFrame | None,
        statements: Sequence[Statement],
        memory: Memory,
    ) -> None:
        self.line = _Line()
        self._statements = statements
        self._memory = memory
        self._draws = memory.draws
        self._chooser = Chooser(memory)
        self._spans: dict[tuple[str, int], Span] = {}
        self._cue: Span | None = None
        self._patterns: list[ClaimPattern] = []
        self._names: list[Name] = []
        self._num_fixed = len(statements)
        if frame is None:
            return
        self._num_fixed = len(frame.claims) - int(frame.has_list)
        for index, statement in enumerate(statements):
            at = min(index, len(frame.claims) - 1)
            self._patterns.append(frame.claims[at])
            is_listed = frame.has_list and index >= self._num_fixed
            self._names.append(
                self._chooser.choose(statement, frame.slots[at], is_listed=is_listed)
            )

    def fill(self, nodes: Sequence[Node]) -> None:
        """Write the words of `nodes`."""
        for node in nodes:
            match node:
                case Literal(text):
                    self.line.add(text)
                case Choice(options):
                    self.fill(self._draws.pick(options))
                case Mark():
                    self._fill_mark(node)
                case NounSlot():
                    self._fill_noun(node)
                case PlaceSlot():
                    self._fill_place(node)
                case ListSlot(conjunction):
                    self._fill_list(conjunction)
                case Value(name, claim):
                    self.line.add(self._value(name, claim))

    def first_number(self) -> str:
        """Return the number of the first claim's noun; empty when it has none."""
        noun = self._names[0].noun
        return noun.number if noun else ""

    def collect(self) -> tuple[ClaimSpans, ...]:
        """Return the claims with the spans that the walk has found."""
        found = []
        for index, statement in enumerate(self._statements):
            place = self._spans.get(("p", index))
            pattern = self._patterns[index]
            shares_place = statement.kind is Kind.MAYBE or pattern.relation == "place"
            if place is None and shares_place:
                place = self._spans.get(("p", 0))
            found.append(
                ClaimSpans(
                    statement=statement,
                    finding=self._spans["f", index],
                    place=place,
                    cue=self._spans.get(("c", index), self._cue),
                )
            )
        return tuple(found)

    def _fill_mark(self, node: Mark) -> None:
        cell = self.line.begin()
        self.fill(node.nodes)
        self._keep(node.role, self._resolve(node), cell)

    def _resolve(self, node: Mark) -> list[int]:
        """Return the claims of a mark; none for a cue of all claims."""
        if node.claims != (LIST,):
            return list(node.claims)
        listed = range(self._num_fixed, len(self._statements))
        if not node.group:
            return list(listed)
        members = find_members(node.group, where="wording/frames_absent.tsv")
        return [i for i in listed if self._statements[i].finding in members]

    def _keep(self, role: str, claims: Sequence[int], cell: list[int]) -> None:
        span = (cell[0], self.line.length)
        if role == "c" and not claims:
            self._cue = self._cue or span
        for claim in claims:
            self._spans.setdefault((role, claim), span)

    def _fill_noun(self, slot: NounSlot) -> None:
        name = self._names[slot.claim]
        if name.noun is None:
            return
        if slot.article == "the" or (slot.article and name.noun.number == "one"):
            self.line.add(f"{slot.article} ")
        self.fill(slot.before)
        self.line.add(" ")
        self.line.add(f"{name.modifier} ")
        if name.adjective:
            self._add_marked(name.adjective.form, claims=(slot.claim,))
            self.line.add(" ")
        cell = self.line.begin()
        self._add_marked(name.noun.form, claims=(slot.claim,))
        self._keep("f", (slot.claim,), cell)
        if name.phrase and slot.has_place:
            self._add_phrase(name.phrase, claims=(slot.claim,))

    def _fill_place(self, slot: PlaceSlot) -> None:
        phrase = self._names[slot.claims[0]].phrase
        if phrase is None:
            return
        if slot.has_preposition:
            self._add_phrase(phrase, claims=slot.claims)
        else:
            self._add_marked(phrase.form, claims=slot.claims)

    def _add_phrase(self, phrase: PlaceForm, *, claims: Sequence[int]) -> None:
        self.line.add(f" {phrase.preposition} ")
        self._add_marked(phrase.form, claims=claims)

    def _add_marked(self, words: Marked, *, claims: Sequence[int]) -> None:
        text = words.text.replace("{D}", self._memory.direction)
        if words.place is None:
            self.line.add(text)
            return
        # No form has a {D} before its place, so the offsets still hold.
        start, end = words.place
        if text != words.text:
            shift = len(text) - len(words.text)
            is_before = words.text.find("{D}") < start
            start, end = (start + shift, end + shift) if is_before else (start, end)
        self.line.add(text[:start])
        cell = self.line.begin()
        self.line.add(text[start:end])
        self._keep("p", claims, cell)
        self.line.add(text[end:])

    def _fill_list(self, conjunction: str) -> None:
        listed = range(self._num_fixed, len(self._statements))
        has_comma = self._draws.chance(0.6) and len(listed) > 2
        for position, claim in enumerate(listed):
            is_last = position == len(listed) - 1
            if position and (not is_last or has_comma or conjunction == "no"):
                self.line.add(", ")
            if position and is_last:
                self.line.add(" and " if conjunction == "no" else " or ")
            if conjunction == "no":
                cell = self.line.begin()
                self.line.add(" no ")
                self._keep("c", (claim,), cell)
            self.line.add(" ")
            self._fill_noun(
                NounSlot(
                    claim=claim,
                    article="",
                    before=(),
                    has_place=True,
                    has_severity=False,
                )
            )

    def _value(self, name: str, claim: int) -> str:
        if name in SIZES:
            return SIZES[name](self._statements[claim].severity)
        if name in _DEGREES:
            return self._degree(claim, how=_DEGREES[name])
        if name == "S":
            return side_of(self._statements[claim].places[0]) or ""
        if name == "prior":
            return self._draws.pick(find_parts("prior"))
        if name in _CLOCK:
            return str(self._draws.integer(*_CLOCK[name]))
        is_direction = name == "D"
        return self._memory.direction if is_direction else self._agree(name, claim)

    def _agree(self, word: str, claim: int) -> str:
        noun = self._names[claim].noun
        # A pronoun agrees with the noun of the sentence before.
        number = noun.number if noun else self._memory.last_number
        return FOR_MANY.get(word, word) if number == "many" else word

    def _degree(self, claim: int, *, how: str) -> str:
        if self._draws.chance(0.4):
            return ""
        return self._chooser.modifier(self._statements[claim], how=how)
