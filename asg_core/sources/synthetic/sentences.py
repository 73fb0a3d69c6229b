"""Filling a frame: words, and where in them each claim's finding, place and cue are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from asg_core.sources.synthetic.grammar import (
    ClaimPattern,
    ClaimSlots,
    Frame,
    Kind,
    Memory,
    Statement,
    find_wording,
)
from asg_core.sources.synthetic.templates import (
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
from asg_core.sources.synthetic.wording_tables import (
    Marked,
    Noun,
    PlaceForm,
    find_members,
    find_modifiers,
    find_parts,
    is_implied,
)
from asg_core.terms.regions import side_of

Span = tuple[int, int]

_FOR_MANY = {
    "is": "are",
    "has": "have",
    "was": "were",
    "it": "they",
    "this": "these",
    "persists": "persist",
}
_VOWEL_SOUND = re.compile(r"(?!uni|use|eu|one)[aeiou8]|11\b|18\b", re.IGNORECASE)
_CLOSING = frozenset(",.;:)")
# How often a place stands before the noun, after it, inside it, or is left unsaid.
_STATED_PLACES = {"adjective": 5.0, "phrase": 3.0, "inner": 4.0, "implied": 4.0}
_DENIED_PLACES = {"adjective": 1.0, "phrase": 1.0, "inner": 3.0, "implied": 9.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSpans:
    """One claim of a sentence; spans are characters of the sentence, half-open."""

    statement: Statement
    finding: Span
    place: Span | None
    cue: Span | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence and what it claims."""

    text: str
    claims: tuple[ClaimSpans, ...]
    frame_id: str
    """The frame, or the template of a sentence without claims."""

    topic: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Name:
    """The words chosen for one claim."""

    noun: Noun | None = None
    adjective: PlaceForm | None = None
    phrase: PlaceForm | None = None
    modifier: str = ""


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
    frame: Frame, statements: Sequence[Statement], *, memory: Memory, topic: str = ""
) -> Sentence:
    """Put `statements` into the words of a frame that takes them."""
    filler = _Filler(frame=frame, statements=statements, memory=memory)
    filler.fill(frame.nodes)
    memory.used_frames.add(frame.frame_id)
    return Sentence(
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
    filler.fill(parse_template(template, where="wording/layout.tsv"))
    return "".join(filler.line.parts)


def write_phrase(template: str, *, memory: Memory, topic: str = "") -> Sentence:
    """Write a sentence that claims nothing."""
    filler = _Filler(frame=None, statements=(), memory=memory)
    filler.fill(parse_template(template, where="wording/boilerplate.tsv"))
    text = _finish("".join(filler.line.parts))
    return Sentence(text=text, claims=(), frame_id=template, topic=topic)


def _finish(text: str) -> str:
    """Start with a capital and end with a full stop."""
    stop = "" if text.endswith(".") else "."
    return text[0].upper() + text[1:] + stop


class _Filler:
    """One walk over the tree of a frame."""

    def __init__(
        self, *, frame: Frame | None, statements: Sequence[Statement], memory: Memory
    ) -> None:
        self.line = _Line()
        self._statements = statements
        self._memory = memory
        self._draws = memory.draws
        self._spans: dict[tuple[str, int], Span] = {}
        self._cue: Span | None = None
        self._patterns: list[ClaimPattern] = []
        self._names: list[_Name] = []
        self._num_fixed = len(statements)
        if frame is None:
            return
        self._num_fixed = len(frame.claims) - int(frame.has_list)
        for index, statement in enumerate(statements):
            at = min(index, len(frame.claims) - 1)
            self._patterns.append(frame.claims[at])
            is_listed = frame.has_list and index >= self._num_fixed
            self._names.append(
                self._choose(statement, frame.slots[at], is_listed=is_listed)
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
        severity = self._statements[claim].severity if self._statements else 0.5
        match name:
            case "S":
                return str(side_of(self._statements[claim].places[0]))
            case "D":
                return self._memory.direction
            case "mm":
                return f"{round(4 + 8 * severity)} mm"
            case "cm":
                return f"{2.5 + 3 * severity:.1f} cm"
            case "ptx":
                return f"{0.5 + 2.5 * severity:.1f} cm"
            case "tube":
                return f"{2.6 + 3 * severity:.1f} cm"
            case "hour":
                return str(self._draws.integer(1, 12))
            case "minute":
                return str(self._draws.integer(10, 59))
            case "prior":
                return self._draws.pick(find_parts("prior"))
            case "mildly" | "mild":
                return self._degree(claim, how="adv" if name == "mildly" else "adj")
        noun = self._names[claim].noun
        is_many = noun is not None and noun.number == "many"
        return _FOR_MANY.get(name, name) if is_many else name

    def _degree(self, claim: int, *, how: str) -> str:
        if self._draws.chance(0.4):
            return ""
        return self._modifier(self._statements[claim], how=how)

    def _modifier(self, statement: Statement, *, how: str) -> str:
        """Return a word for the severity, settling which kind of word this report uses."""
        key = f"{statement.finding} {how}"
        settled = self._memory.variants.get(key, "")
        words = [
            modifier
            for modifier in find_modifiers(
                statement.finding, _level(statement.severity), how
            )
            if not settled or modifier.variant in ("", settled)
        ]
        if not words:
            return ""
        chosen = self._draws.pick(words)
        if chosen.variant:
            self._memory.variants[key] = chosen.variant
        word = chosen.word
        for name in ("mm", "cm"):
            if name in word:
                word = word.replace(f"{{{name}}}", self._size(name, statement))
        return word

    def _size(self, name: str, statement: Statement) -> str:
        if name == "mm":
            return f"{round(4 + 8 * statement.severity)} mm"
        return f"{2.5 + 3 * statement.severity:.1f} cm"

    def _choose(
        self, statement: Statement, slots: ClaimSlots, *, is_listed: bool
    ) -> _Name:
        words = find_wording(statement.finding, statement.places, statement.polarity)
        slot = slots.noun
        if slot is None:
            phrase = self._draws.pick(words.phrases) if slots.has_place else None
            return _Name(phrase=phrase)
        if slots.has_place:
            phrase = self._draws.pick(words.phrases)
            noun = self._pick_noun(statement, words.after)
            return _Name(
                noun=noun, phrase=phrase, modifier=self._extent(statement, slot, noun)
            )
        if not slot.has_place:
            noun = self._pick_noun(statement, words.bare)
            return _Name(noun=noun, modifier=self._extent(statement, slot, noun))
        return self._choose_placed(statement, slot, is_listed=is_listed)

    def _choose_placed(
        self, statement: Statement, slot: NounSlot, *, is_listed: bool
    ) -> _Name:
        words = find_wording(statement.finding, statement.places, statement.polarity)
        is_bare = bool(words.bare) and is_implied(
            statement.finding, statement.places, statement.polarity
        )
        has_phrase = bool(words.after and words.phrases)
        ways = {
            "adjective": bool(words.before and words.adjectives),
            "phrase": has_phrase and not is_listed,
            "inner": bool(words.inner),
            "implied": is_bare,
        }
        if not any(ways.values()):
            ways["phrase"] = True
        is_denied = statement.kind is Kind.ABSENT
        way = self._pick_way(ways, _DENIED_PLACES if is_denied else _STATED_PLACES)
        nouns = {
            "adjective": words.before,
            "phrase": words.after,
            "inner": words.inner,
            "implied": words.bare,
        }[way]
        noun = self._pick_noun(statement, nouns)
        pick = self._draws.pick
        return _Name(
            noun=noun,
            adjective=pick(words.adjectives) if way == "adjective" else None,
            phrase=pick(words.phrases) if way == "phrase" else None,
            modifier=self._extent(statement, slot, noun),
        )

    def _pick_way(self, ways: dict[str, bool], weights: dict[str, float]) -> str:
        options = [way for way, is_open in ways.items() if is_open]
        left = self._draws.number() * sum(weights[way] for way in options)
        for way in options:
            left -= weights[way]
            if left < 0:
                return way
        return options[-1]

    def _pick_noun(self, statement: Statement, nouns: Sequence[Noun]) -> Noun:
        settled = self._memory.variants.get(statement.finding, "")
        if settled:
            nouns = [noun for noun in nouns if noun.variant in ("", settled)] or nouns
        used = self._memory.used_words
        fresh = [n for n in nouns if (statement.finding, n.form.text) not in used]
        noun = self._draws.pick(fresh or nouns)
        used.add((statement.finding, noun.form.text))
        if noun.variant:
            self._memory.variants[statement.finding] = noun.variant
        return noun

    def _extent(self, statement: Statement, slot: NounSlot, noun: Noun) -> str:
        if statement.kind in (Kind.ABSENT, Kind.MAYBE) or not slot.has_severity:
            return ""
        needed = self._modifier(statement, how="always")
        if needed:
            return needed
        share = 0.35 if statement.kind is Kind.UNCERTAIN else 0.6
        if not self._draws.chance(share):
            return ""
        # "mildly enlarged heart", but "mild cardiomegaly".
        is_participle = noun.form.text.partition(" ")[0].endswith("ed")
        return self._modifier(statement, how="adv" if is_participle else "adj")


def _level(severity: float) -> str:
    return "low" if severity < 0.45 else "mid" if severity < 0.72 else "high"
