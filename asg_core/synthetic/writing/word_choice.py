"""The words for one claim: a noun, a place beside it, and how severe it is."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from asg_core.synthetic.writing.grammar import ClaimSlots, find_wording
from asg_core.synthetic.writing.statements import Kind, Memory, Statement
from asg_core.synthetic.writing.templates import NounSlot
from asg_core.synthetic.writing.words import Noun, PlaceForm, find_modifiers, is_implied

_PLACEHOLDER = re.compile(r"{(mm|cm)}")
# Sizes follow from the severity, so that a report never gives two for one thing.
SIZES: dict[str, Callable[[float], str]] = {
    "mm": lambda severity: f"{round(4 + 8 * severity)} mm",
    "cm": lambda severity: f"{2.5 + 3 * severity:.1f} cm",
    "ptx": lambda severity: f"{0.5 + 2.5 * severity:.1f} cm",
    "tube": lambda severity: f"{2.6 + 3 * severity:.1f} cm",
}
# How often a place stands before the noun, after it, inside it, or is left unsaid.
_STATED_PLACES = {"adjective": 5.0, "phrase": 3.0, "inner": 4.0, "implied": 4.0}
_DENIED_PLACES = {"adjective": 1.0, "phrase": 1.0, "inner": 3.0, "implied": 9.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """The words chosen for one claim."""

    noun: Noun | None = None
    adjective: PlaceForm | None = None
    phrase: PlaceForm | None = None
    modifier: str = ""


class Chooser:
    """Chooses words so that they fit what the report has settled so far."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._draws = memory.draws

    def choose(
        self, statement: Statement, slots: ClaimSlots, *, is_listed: bool
    ) -> Name:
        """Return the words for a statement in the slots of a frame that takes it."""
        words = find_wording(statement.finding, statement.places, statement.polarity)
        slot = slots.noun
        if slot is None:
            phrase = self._draws.pick(words.phrases) if slots.has_place else None
            return Name(phrase=phrase)
        if slots.has_place:
            phrase = self._draws.pick(words.phrases)
            noun = self._pick_noun(statement, words.after)
            return Name(
                noun=noun, phrase=phrase, modifier=self._extent(statement, slot, noun)
            )
        if not slot.has_place:
            noun = self._pick_noun(statement, words.bare)
            return Name(noun=noun, modifier=self._extent(statement, slot, noun))
        return self._choose_placed(statement, slot, is_listed=is_listed)

    def _choose_placed(
        self, statement: Statement, slot: NounSlot, *, is_listed: bool
    ) -> Name:
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
        weights = _DENIED_PLACES if is_denied else _STATED_PLACES
        way = self._draws.pick_weighted(
            {way: weights[way] for way, is_open in ways.items() if is_open}
        )
        nouns = {
            "adjective": words.before,
            "phrase": words.after,
            "inner": words.inner,
            "implied": words.bare,
        }[way]
        noun = self._pick_noun(statement, nouns)
        pick = self._draws.pick
        return Name(
            noun=noun,
            adjective=pick(words.adjectives) if way == "adjective" else None,
            phrase=pick(words.phrases) if way == "phrase" else None,
            modifier=self._extent(statement, slot, noun),
        )

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
        needed = self.modifier(statement, how="always")
        if needed:
            return needed
        share = 0.35 if statement.kind is Kind.UNCERTAIN else 0.6
        if not self._draws.chance(share):
            return ""
        # "mildly enlarged heart", but "mild cardiomegaly".
        is_first = noun.form.place is not None
        is_participle = is_first and noun.form.text.partition(" ")[0].endswith("ed")
        return self.modifier(statement, how="adv" if is_participle else "adj")

    def modifier(self, statement: Statement, *, how: str) -> str:
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
        return _PLACEHOLDER.sub(
            lambda found: SIZES[found[1]](statement.severity), chosen.word
        )


def _level(severity: float) -> str:
    return "low" if severity < 0.45 else "mid" if severity < 0.72 else "high"
