"""Turn a RadGraph graph into the claims of each sentence, in the package's vocabulary.

What is observed, and whether it is there, is the graph's; what it is called and which
regions its anatomy stands for is the lexicon's. An observation means, first match wins:

1. the phrases of the lexicon that its words are part of in the sentence;
2. a phrase made of its anatomy and its own words, which may stand apart;
3. the state of its anatomy ("enlarged" at "heart"), by `statements.tsv`;
4. a row of `radgraph_rules.tsv`.

The graph knows neither removal nor comparison nor questions, so for these the cues of
the sentence are read: what was removed is absent, and a question is no claim.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter, itemgetter

from asg_core.reports.grammar.anaphora import chosen
from asg_core.reports.grammar.claims import Claim, is_outside, regions_at
from asg_core.reports.grammar.cues import Judgement, judge
from asg_core.reports.grammar.places import Place, find_groups, holds, sided
from asg_core.reports.grammar.reader import settled
from asg_core.reports.grammar.reading import Reading, read_sentence
from asg_core.reports.lexicon.load import Lexicon
from asg_core.reports.lexicon.phrases import Entry, Match, Words
from asg_core.reports.parsers.parser import Span
from asg_core.reports.parsers.radgraph.graph import Entity
from asg_core.reports.parsers.radgraph.links import Links
from asg_core.terms.existence import Context, Existence

_NOTHING = Entry()
_START, _END = itemgetter(0), itemgetter(1)
_FIRST, _LAST = attrgetter("first"), attrgetter("last")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meaning:
    """A finding that an observation stands for, before its place is known."""

    finding: str
    span: Span
    entry: Entry = _NOTHING
    turned: Existence | None = None
    """What a present observation claims instead: "normal" at the heart denies."""
    cue: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sentence:
    start: int
    reading: Reading

    def words(self, span: Span) -> tuple[int, int]:
        """Return the words that a span of the report touches, half-open."""
        spans = self.reading.words.spans
        first = bisect_right(spans, span[0] - self.start, key=_END)
        last = bisect_left(spans, span[1] - self.start, key=_START)
        return (first, last) if first < last else (0, 0)

    def matches(self, span: Span) -> list[Match]:
        """Return the phrases that a span of the report touches."""
        first, last = self.words(span)
        matches = self.reading.matches
        low = bisect_right(matches, first, key=_LAST)
        return list(matches[low : bisect_left(matches, last, key=_FIRST)])


class GraphReader:
    """Reads the claims of one graph."""

    def __init__(
        self,
        lexicon: Lexicon,
        entities: Mapping[str, Entity],
        *,
        text: str,
        sections: Sequence[Sequence[Span]],
        max_scope: int,
        counts: Counter[str],
    ) -> None:
        self._lexicon = lexicon
        self._text = text
        self._max_scope = max_scope
        self._counts = counts
        self._links = Links(entities, sections=sections, counts=counts)
        self._entities = self._links.entities
        self._sentences = [
            _Sentence(start=start, reading=read_sentence(lexicon, text[start:end]))
            for spans in sections
            for start, end in spans
        ]

    def claims(self) -> list[tuple[Claim, ...]]:
        """Return the claims of each sentence, in the order of its words."""
        found: list[list[Claim]] = [[] for _ in self._sentences]
        for key in self._links.in_order(self._links.sentence_of):
            entity = self._entities[key]
            if entity.is_measurement:
                self._counts["measurements"] += 1
            elif entity.is_observation:
                index = self._links.sentence_of[key]
                found[index].extend(self._claims_of(key, self._sentences[index]))
        kinds = self._lexicon.kinds
        return [
            settled(sorted(claims, key=attrgetter("span")), kinds=kinds)
            for claims in found
        ]

    def chosen_claims(self, *, has_history: bool) -> list[tuple[Claim, ...]]:
        """Return the claims of each sentence; those about the past only if asked for."""
        found = self.claims()
        kept = [chosen(claims, has_history=has_history) for claims in found]
        num_left_out = sum(map(len, found)) - sum(map(len, kept))
        self._counts["claims about the past"] += num_left_out
        return kept

    def _claims_of(self, key: str, sentence: _Sentence) -> Iterator[Claim]:
        places, place = self._places(key, sentence)
        meanings = self._meanings(key, sentence, places)
        if meanings is None:
            return  # the words of another observation
        if not meanings and not self._links.is_modifier(key):
            self._counts["observations without a finding"] += 1
        for meaning in meanings:
            judgement = self._judged(key, meaning, sentence)
            reason = self._no_claim(meaning, judgement, places)
            if reason is None:
                yield self._claim(
                    meaning, judgement, sentence, places=places, place=place
                )
            else:
                self._counts[reason] += 1

    def _meanings(
        self, key: str, sentence: _Sentence, places: Sequence[Place]
    ) -> list[_Meaning] | None:
        """Return what an observation stands for; None if its words belong to another one."""
        span = self._entities[key].span
        touched = sentence.matches(span)
        named = [match for match in touched if match.entry.findings]
        owned = [match for match in named if self._owner(match, key) == key]
        if named and not owned:
            return None
        if owned:
            return [
                meaning
                for match in owned
                for meaning in self._named(key, match, sentence)
            ]
        if self._links.is_modifier(key) or any(
            match.entry == _NOTHING for match in touched
        ):
            return []
        return (
            self._joined(key) or self._stated(key, places) or self._by_rule(key, places)
        )

    def _owner(self, match: Match, key: str) -> str:
        """Return the observation that a phrase is of: the noun, not its adjectives.

        `key` is one of the phrase's observations.
        """
        index = self._links.sentence_of[key]
        shift = self._sentences[index].start
        keys = [
            each
            for each in self._links.in_sentence[index]
            if self._entities[each].is_observation
            and self._entities[each].span[0] < match.end + shift
            and self._entities[each].span[1] > match.start + shift
        ]
        return next((key for key in keys if not self._links.is_modifier(key)), keys[0])

    def _named(self, key: str, match: Match, sentence: _Sentence) -> Iterator[_Meaning]:
        span = _moved((match.start, match.end), by=sentence.start)
        modifiers = [self._entities[each] for each in self._links.modifiers(key)]
        for finding in match.entry.findings:
            meaning = _Meaning(finding=finding, span=span, entry=match.entry)
            for modifier in modifiers:
                if not modifier.is_observation:
                    continue
                # "Normal markings" are no finding.
                for phrase in self._phrases(modifier.span):
                    state = (finding, phrase.entry.state or "")
                    for _, existence in self._lexicon.statements.get(state, ())[:1]:
                        meaning = replace(meaning, turned=existence, cue=modifier.span)
            yield meaning

    def _joined(self, key: str) -> list[_Meaning]:
        """Read anatomy and observation as one phrase: "rib fracture"."""
        own = [*self._links.modifiers(key), key]
        anatomy = [each for each in self._links.anatomy(key) if each not in own]
        parts = [self._words(each) for each in (*anatomy, *self._links.in_order(own))]
        span = self._entities[key].span
        tail = self._words(key)
        text = " ".join(parts)
        low = text.rfind(tail)
        return [
            _Meaning(finding=finding, span=span, entry=match.entry)
            for match in self._lexicon.phrases.match(Words(text))
            if match.start < low + len(tail) and match.end > low
            for finding in match.entry.findings
        ]

    def _stated(self, key: str, places: Sequence[Place]) -> list[_Meaning]:
        own = self._links.in_order([*self._links.modifiers(key), key])
        text = " ".join(self._words(each) for each in own)
        span = self._entities[key].span
        found = []
        for match in self._lexicon.phrases.match(Words(text)):
            for place in places:
                state = (place.zone or "", match.entry.state or "")
                for finding, existence in self._lexicon.statements.get(state, ()):
                    cue = None if existence is Existence.PRESENT else span
                    found.append(
                        _Meaning(finding=finding, span=span, turned=existence, cue=cue)
                    )
        return list(dict.fromkeys(found))

    def _by_rule(self, key: str, places: Sequence[Place]) -> list[_Meaning]:
        own = [*self._links.modifiers(key), key]
        words = {word for each in own for word in Words(self._words(each))}
        zones = {place.zone for place in places if place.zone}
        span = self._entities[key].span
        return [
            _Meaning(finding=rule.finding, span=span, turned=rule.existence)
            for rule in self._lexicon.observations
            if rule.words <= words and (rule.zone is None or rule.zone in zones)
        ]

    def _judged(self, key: str, meaning: _Meaning, sentence: _Sentence) -> Judgement:
        """Return the graph's existence in the context that the sentence gives it."""
        label = self._entities[key].existence
        first, last = sentence.words(meaning.span)
        context = judge(sentence.reading, first, last, max_scope=self._max_scope)
        if context.existence is None or context.context is Context.REMOVAL:
            return context
        existence: Existence | None = label
        cue = None
        if meaning.turned is not None and label is not Existence.ABSENT:
            is_doubted = label is Existence.UNCERTAIN
            is_denial = meaning.turned is Existence.ABSENT
            existence = label if is_doubted and not is_denial else meaning.turned
            if meaning.cue is not None:
                cue = _moved(meaning.cue, by=-sentence.start)
        elif meaning.turned is Existence.ABSENT:
            existence = None  # "not normal" says that something is there, not what
        return Judgement(existence=existence, context=context.context, cue=cue)

    def _claim(
        self,
        meaning: _Meaning,
        judgement: Judgement,
        sentence: _Sentence,
        *,
        places: Sequence[Place],
        place: Span | None,
    ) -> Claim:
        existence = judgement.existence or Existence.PRESENT
        rule = self._lexicon.place_rules[meaning.finding]
        held = [each for each in places if holds(each, rule)]
        # A zone that cannot hold the finding still says on which side it is.
        sides = [replace(each, zone=None) for each in places if each.sides]
        used = held or sides
        return Claim(
            finding=meaning.finding,
            regions=regions_at(
                self._lexicon,
                meaning.finding,
                used,
                hint=meaning.entry.place,
                is_pair=meaning.entry.is_pair,
                existence=existence,
            ),
            existence=existence,
            context=judgement.context,
            span=_moved(meaning.span, by=-sentence.start),
            place=_moved(place, by=-sentence.start) if place and used else None,
            cue=judgement.cue,
        )

    def _places(self, key: str, sentence: _Sentence) -> tuple[list[Place], Span | None]:
        """Return the places of an observation, and the words that name them.

        They are its anatomy, and sides and zones among its own words ("bibasilar").
        """
        anatomy = self._links.anatomy(key)
        spans = [self._entities[each].span for each in anatomy]
        for each in (*self._links.modifiers(key), key):
            if each not in anatomy:
                start = self._entities[each].span[0]
                spans += [
                    _moved((match.start, match.end), by=start)
                    for match in self._phrases(self._entities[each].span)
                    if match.entry.is_place
                ]
        spans.sort()
        text = " ".join(self._text[start:end] for start, end in spans)
        reading = read_sentence(self._lexicon, text)
        places = [place for group in find_groups(reading) for place in group.places]
        if anatomy and not places:
            self._counts["places that the lexicon does not know"] += 1
        here = [span for span in spans if span[0] >= sentence.start] or spans
        if not places:
            return [], None
        # A zone without a side has the side that stands apart from it.
        zoned = [place for place in places if place.zone is not None]
        aside = [place for place in places if place.zone is None]
        places = sided(zoned, by=aside) if zoned else places
        return places, (here[0][0], max(end for _, end in here))

    def _no_claim(
        self, meaning: _Meaning, judgement: Judgement, places: Sequence[Place]
    ) -> str | None:
        """Return why a meaning claims nothing, in the words of the log; None if it does."""
        kinds = self._lexicon.kinds
        if judgement.existence is None:
            return "observations in questions and plans"
        if is_outside(self._lexicon, meaning.finding, places):
            return "findings outside the chest"
        if judgement.existence is Existence.ABSENT:
            if meaning.finding in kinds.tip:
                return "tips that are not seen"
            if meaning.finding not in kinds.sole and not kinds.sole.isdisjoint(
                meaning.entry.findings
            ):
                return "denials of collapse that leave room for atelectasis"
        return None

    def _phrases(self, span: Span) -> list[Match]:
        return self._lexicon.phrases.match(Words(self._text[span[0] : span[1]]))

    def _words(self, key: str) -> str:
        start, end = self._entities[key].span
        return self._text[start:end]


def _moved(span: Span, *, by: int) -> Span:
    return span[0] + by, span[1] + by
