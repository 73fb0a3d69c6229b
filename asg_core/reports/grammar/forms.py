"""Read the answers of a form: a label, a mark, an answer.

"Effusion: nil", "Pneumothorax? No.", "Edema (+)", "Pleura | no effusion" and
"[x] effusion" are one construction. The answer acts on the label's findings as a cue
behind them does; where it is a statement of its own ("Pleura: small left effusion") the
label only says where. Each label begins a clause, so no answer reaches the next pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from asg_core.reports.grammar.phrase_edits import PhraseEdits
from asg_core.reports.lexicon.contractions import EMPTY, TICKED
from asg_core.reports.lexicon.load import Lexicon
from asg_core.reports.lexicon.phrases import Entry, Found
from asg_core.reports.lexicon.zones import SINGLE

MARKS = frozenset({":", "?", "(", "|", "-", "--", TICKED, EMPTY})
"""What can stand between a label and its answer."""

# More marks than this are no form, and would take quadratic time.
_MAX_MARKS = 24
# A dash or a bracket is a mark only where nothing but an answer follows.
_STRICT = frozenset({"?", "(", "-", "--"})
_BOXES = (TICKED, EMPTY)
_EFFECT = {"no": "deny", "unsure": "doubt", "open": "none"}
_ENDS = frozenset({"comma", "break", "with", "aside"})
_NOTHING = Entry()


class _Answer(NamedTuple):
    """What stands behind a mark alone: what it says, and the word behind it."""

    says: str
    last: int


@dataclass(slots=True)
class _Pair:
    """A label with its answer; all are words, half-open."""

    first: int
    mark: int
    last: int
    answer: _Answer | None
    is_cell: bool = False
    """Whether it goes on with the row of the pair before: "pleura | effusion | no"."""


def with_answers(
    lexicon: Lexicon, words: Sequence[str], found: Sequence[Found]
) -> list[Found]:
    """Return the phrases of a sentence with the answers of its labels read as cues."""
    form = _Form(lexicon, words, found)
    if form.count_marks() > _MAX_MARKS:
        return list(found)
    form.read_boxes()
    form.read_pairs()
    return form.found


class _Form(PhraseEdits):
    """The sentence of a form."""

    def __init__(
        self, lexicon: Lexicon, words: Sequence[str], found: Sequence[Found]
    ) -> None:
        super().__init__(words, found)
        self._answers = lexicon.answers
        self._phrases = lexicon.phrases

    def count_marks(self) -> int:
        return sum(word in MARKS for word in self.words)

    def read_boxes(self) -> None:
        """Let each box deny or affirm what it stands at."""
        boxes = [at for at, word in enumerate(self.words) if word in _BOXES]
        if not boxes:
            return
        ends = [*boxes[1:], len(self.words)]
        if not self.has_claim(0, boxes[0]):
            for box, end in zip(boxes, ends, strict=True):
                self._tick(box, end)
        elif self.words[boxes[0] - 1] == ":" or (
            boxes[-1] + 1 < len(self.words)
            and not self.has_claim(boxes[0], len(self.words), is_zone=False)
        ):
            self._tick_options(boxes, ends)
        else:
            self._tick_behind(boxes)

    def _tick(self, box: int, end: int) -> None:
        """Read a box before what it is about: "[x] effusion [ ] edema"."""
        low, high = self.range_of(box + 1, end)
        part = [entry for entry, _, _ in self.found[low:high]]
        cues: frozenset[str] = frozenset()
        if self.words[box] == EMPTY:
            # "[ ] No effusion" and "[ ] Lungs clear" leave open what is there.
            is_open = any(each.state or "deny_before" in each.cues for each in part)
            cues = frozenset({"none_before" if is_open else "deny_before"})
        self.put(box, box + 1, Entry(role="break", cues=cues))

    def _tick_options(self, boxes: Sequence[int], ends: Sequence[int]) -> None:
        """Read boxes that choose the answer: "Effusion: [ ] yes [x] no"."""
        says = "no" if boxes[-1] + 1 == len(self.words) else "open"
        for box, end in zip(boxes, ends, strict=True):
            if self.words[box] == EMPTY:
                marks = (at for at in range(box, end) if self.words[at] in (",", ";"))
                self.drop(box + 1, next(marks, end))
                self.put(box, box + 1, _NOTHING)
                continue
            answer = self._answer_at(box + 1)
            last = box + 1 if answer is None else answer.last
            self.put(box, last, _entry_of(answer.says if answer else "yes"))
            says = "yes"
        if says != "yes":
            self.put(boxes[-1], boxes[-1] + 1, _entry_of(says))

    def _tick_behind(self, boxes: Sequence[int]) -> None:
        """Read boxes behind what they are about: "effusion [x], edema [ ]"."""
        for box in boxes:
            is_empty = self.words[box] == EMPTY
            cues = frozenset({"deny_after"}) if is_empty else frozenset()
            self.put(box, box + 1, Entry(cues=cues))
            self.begin_clause(box + 1)

    def read_pairs(self) -> None:
        """Let each answer act on its label, and each label begin a clause."""
        pairs = self._pairs()
        for pair in pairs:
            if pair.first and not pair.is_cell:
                self.begin_clause(pair.first)
        for pair in pairs:
            self._read_pair(pair)

    def _pairs(self) -> list[_Pair]:
        """Return the labels with their answers, in order."""
        pairs: list[_Pair] = []
        for mark, word in enumerate(self.words):
            if word in MARKS and word not in _BOXES:
                pair = self._pair_at(mark, pairs)
                if pair is not None and pairs and not pair.is_cell:
                    pairs[-1].last = pair.first
                pairs += [pair] if pair else []
        return pairs

    def _pair_at(self, mark: int, pairs: Sequence[_Pair]) -> _Pair | None:
        """Return the pair of a mark, given those before it; None: it is no mark."""
        known = pairs[-1] if pairs else None
        if known is not None and known.answer and mark < known.answer.last:
            return None
        answer = self._answer_behind(mark)
        if answer is not None:
            self._open_heading(mark)
        elif self.words[mark] in _STRICT:
            return None
        first = self._label_start(known, mark)
        is_cell = first is None and self.words[mark] == "|"
        if known is not None and is_cell:
            first = known.mark + 1
        if first is None or not self._is_label(first, mark):
            if self.words[mark] == ":" and self._is_denied_state(first or 0, mark):
                self.put(mark, mark + 1, Entry(role="break"))
            return None
        if (
            known is not None
            and not self.has_noun(first, mark)
            and self.names_finding(known.first, known.mark)
        ):
            return None  # "effusion: left: small, right: none"
        return _Pair(first, mark, len(self.words), answer, is_cell)

    def _answer_behind(self, mark: int) -> _Answer | None:
        """Return the answer that stands alone behind a mark, in brackets or without."""
        word = self.words[mark]
        is_bracket = word != "(" and self.word_at(mark + 1) == "("
        answer = self._whole_answer(mark + 1 + is_bracket)
        if answer is None:
            return None
        if is_bracket or word == "(":
            is_closed = self.word_at(answer.last) == ")"
            return _Answer(answer.says, answer.last + 1) if is_closed else None
        if word in _STRICT and not self.ends_at(answer.last):
            return None
        return answer

    def _label_start(self, known: _Pair | None, mark: int) -> int | None:
        """Return where the label before a mark starts; None: this is none.

        That of a later mark stands behind the last comma, or right behind an answer.
        """
        after = 0
        if known is not None:
            after = known.answer.last if known.answer else known.mark + 1
        elif self.words[mark] != "(":
            return 0
        for at in range(mark - 1, after - 1, -1):
            if self.words[at] in (",", ";", ")", "|"):
                return at + 1
        has_start = known is None or (known.answer and after < mark)
        return after if has_start else None

    def _is_label(self, first: int, mark: int) -> bool:
        """Whether words name a finding or a place, and state nothing of it."""
        has_noun = False
        for at in range(*self.range_of(first, mark)):
            entry = self.found[at][0]
            is_stated = entry.state or entry.role in ("verb", "there")
            if is_stated and self.words[mark] != "?":
                return False
            has_noun = has_noun or bool(entry.findings) or entry.is_place
        return has_noun

    def _is_denied_state(self, first: int, mark: int) -> bool:
        """Whether a denial needs no more than what stands before a colon.

        "The lungs are not clear: left opacity" denies no opacity.
        """
        low, high = self.range_of(first, mark)
        part = [entry for entry, _, _ in self.found[low:high]]
        return any(entry.state for entry in part) and any(
            "deny_before" in entry.cues for entry in part
        )

    def _open_heading(self, mark: int) -> None:
        """Read the words of a heading that is answered: "Lines and tubes: none"."""
        low, _ = self.range_of(mark, mark)
        if low and self.found[low - 1][1:] == (self.found[low - 1][1], mark + 1):
            first = self.found[low - 1][1]
            inside = self._phrases.find(self.words[first:mark])
            self.found[low - 1 : low] = [
                (entry, begin + first, end + first) for entry, begin, end in inside
            ]

    def _read_pair(self, pair: _Pair) -> None:
        named = {
            finding
            for at in range(*self.range_of(pair.first, pair.mark))
            for finding in self.found[at][0].findings
        }
        if not named:
            self._lend_side(pair)
            return
        if self._share_out(pair):
            return
        if pair.answer is not None:
            last = pair.answer.last
            self.put(pair.mark, last, _entry_of(pair.answer.says))
            if self.word_at(last) in (",", ";") and self.has_claim(
                last, pair.last, is_zone=False
            ):
                self.begin_clause(last + 1)
            if self.word_at(last) in ("-", "--") and not self.has_claim(
                last, pair.last, is_zone=False
            ):
                self.put(last, last + 1, _NOTHING)  # "yes - on the left"
            return
        if pair.mark + 1 == len(self.words) and self.words[pair.mark] == ":":
            self.put(pair.mark, pair.mark + 1, _entry_of("open"))
            return
        label = [
            self.found[at][0] for at in range(*self.range_of(pair.first, pair.mark))
        ]
        if any(entry.sides for entry in label):
            return
        for at in range(*self.range_of(pair.mark + 1, pair.last)):
            if not named.isdisjoint(self.found[at][0].findings):
                self._silence(pair.first, pair.mark)
                return

    def _silence(self, first: int, last: int) -> None:
        """Let a label claim nothing: its answer names the finding again."""
        for at in range(*self.range_of(first, last)):
            self.change(at, replace(self.found[at][0], findings=()))

    def _lend_side(self, pair: _Pair) -> None:
        """Give zones of an answer the side of its label: "left lung: lower lobe scar"."""
        label = [
            self.found[at][0] for at in range(*self.range_of(pair.first, pair.mark))
        ]
        sides = {side for entry in label for side in entry.sides}
        if len(sides) != 1:
            return
        lent = tuple(sides)
        low, high = self.range_of(pair.mark + 1, pair.last)
        answer = [self.found[at][0] for at in range(low, high)]
        if any(entry.sides for entry in answer):
            return
        zones = [at for at in range(low, high) if self.found[at][0].zone is not None]
        for at in zones:
            self.change(at, replace(self.found[at][0], sides=lent))
        if zones:
            # The label is no adjective of the finding right behind its mark.
            border = Entry(cues=frozenset({"affirm"}))
            self.put(pair.mark, pair.mark + 1, border)
        for first, last in self.parts(pair.mark + 1, pair.last)[1:]:
            part_low, part_high = self.range_of(first, last)
            part = [entry for entry, _, _ in self.found[part_low:part_high]]
            if not part or "deny_before" not in part[0].cues or _has_place(part):
                continue
            for at in range(part_low, part_high):
                entry = self.found[at][0]
                if entry.findings and entry.place not in SINGLE:
                    self.change(at, replace(entry, is_place=True, sides=lent))

    def _share_out(self, pair: _Pair) -> bool:
        """Read an answer for each side: "effusion: right none, left small"."""
        parts = self.parts(pair.mark + 1, pair.last)
        owned = [self._side_within(first, last) for first, last in parts]
        answers = [self._answer_within(first, last) for first, last in parts]
        label = range(*self.range_of(pair.first, pair.mark))
        nouns = [at for at in label if self.found[at][0].findings]
        if len(parts) < 2 or len(nouns) != 1 or not any(answers) or None in owned:
            return False
        noun = replace(self.found[nouns[0]][0], is_place=False, zone=None, sides=())
        self._silence(pair.first, pair.mark)
        for (first, last), place, answer in zip(parts, owned, answers, strict=True):
            for at in range(*self.range_of(first, last)):
                entry = self.found[at][0]
                if self.found[at] == place:
                    self.change(at, entry.joined(noun))
                elif entry.cues or entry.role == "break":
                    self.change(at, _NOTHING)
            if answer is not None:
                begin, said = answer
                effect = _EFFECT.get(said.says)
                cues = frozenset({f"{effect}_around"} if effect else ())
                self.put(begin, said.last, Entry(cues=cues))
            self.begin_clause(first)
        return True

    def _side_within(self, first: int, last: int) -> Found | None:
        """Return the one side that some words name, if they name no finding."""
        low, high = self.range_of(first, last)
        part = self.found[low:high]
        if any(entry.findings or entry.state for entry, _, _ in part):
            return None
        return next((each for each in part if len(each[0].sides) == 1), None)

    def _answer_within(self, first: int, last: int) -> tuple[int, _Answer] | None:
        """Return the first answer among some words, and where it starts."""
        for at in range(first, last):
            answer = self._answer_at(at)
            if answer is not None and answer.last <= last:
                return at, answer
        return None

    def _answer_at(self, first: int) -> _Answer | None:
        """Return the longest answer that starts at a word."""
        for count in range(self._answers.longest, 0, -1):
            says = self._answers.phrases.get(tuple(self.words[first : first + count]))
            if says is not None and first + count <= len(self.words):
                return _Answer(says, first + count)
        return None

    def _whole_answer(self, first: int) -> _Answer | None:
        """Return the answer at a word if it is no part of a longer statement.

        "No" alone is one, and "no significant"; "no effusion" is a statement.
        """
        answer = self._answer_at(first)
        if answer is None or answer.says == "yes":
            return answer
        at = answer.last
        low, _ = self.range_of(at, at)
        for entry, begin, end in (*self.found[low:], (_NOTHING, len(self.words), 0)):
            for word in self.words[at:begin]:
                if self.is_end(word):
                    return answer
                if word not in self._answers.fillers:
                    return answer if self._is_pair_ahead(at) else None
            if entry.role in _ENDS:
                return answer
            if entry.findings or entry.state is not None:
                return answer if self._is_pair_ahead(begin) else None
            at = end
        return answer

    def _is_pair_ahead(self, first: int) -> bool:
        """Whether the words from here are the label of another pair."""
        for word in self.words[first:]:
            if word in (":", "|"):
                return True
            if self.is_end(word):
                return False
        return False


def _has_place(entries: Sequence[Entry]) -> bool:
    return any(entry.is_place for entry in entries)


def _entry_of(says: str) -> Entry:
    """Return what an answer does to the findings of its label."""
    effect = _EFFECT.get(says)
    return _NOTHING if effect is None else Entry(cues=frozenset({f"{effect}_after"}))
