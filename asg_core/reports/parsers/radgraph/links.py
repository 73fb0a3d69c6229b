"""Sort the entities of a graph by the sentences of a report, and follow its edges.

They say which sentence an entity lies in, what modifies it, and where it is located.
Modifiers of modifiers count, to any depth. An edge `modify` that leaves its sentence is
no phrase and is not followed; `located_at` may lead into the sentence before, as the
places of all parsers may.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter

from asg_core.reports.parsers.parser import Span
from asg_core.reports.parsers.radgraph.graph import Entity


class Links:
    """The edges of one graph that are followed."""

    def __init__(
        self,
        entities: Mapping[str, Entity],
        *,
        sections: Sequence[Sequence[Span]],
        counts: Counter[str],
    ) -> None:
        self.entities = dict(entities)
        """The entities by their keys; one that leaves its sentence ends with it."""
        self._sections = [
            number for number, spans in enumerate(sections) for _ in spans
        ]
        spans = [span for section in sections for span in section]
        self.sentence_of: dict[str, int] = {}
        """The sentence of each entity that lies in one, counted over all sections."""
        self.in_sentence: list[list[str]] = [[] for _ in spans]
        """The entities that start in each sentence, in the order of the report."""
        for key in self.in_order(entities):
            start = entities[key].span[0]
            index = bisect_right(spans, start, key=itemgetter(0)) - 1
            if index >= 0 and start < spans[index][1]:
                self.sentence_of[key] = index
                self.in_sentence[index].append(key)
                span = (start, min(entities[key].span[1], spans[index][1]))
                self.entities[key] = replace(entities[key], span=span)
        counts["entities outside the sections that are read"] += len(entities) - len(
            self.sentence_of
        )
        self._modifiers: dict[str, list[str]] = defaultdict(list)
        self._heads: dict[str, list[str]] = defaultdict(list)
        self._anatomy: dict[str, list[str]] = defaultdict(list)
        self._suggesting: dict[str, list[str]] = defaultdict(list)
        for key in self.sentence_of:
            for relation, target in entities[key].relations:
                if not self._follow(key, relation, target):
                    counts["edges that cross sentences"] += 1

    def _follow(self, key: str, relation: str, target: str) -> bool:
        here, there = self.sentence_of[key], self.sentence_of.get(target)
        if there is None:
            return False
        if relation == "located_at":
            is_before = (
                there == here - 1 and self._sections[there] == self._sections[here]
            )
            if there == here or is_before:
                self._anatomy[key].append(target)
                return True
        elif there == here and relation == "modify":
            self._modifiers[target].append(key)
            self._heads[key].append(target)
            return True
        elif there == here:
            self._suggesting[target].append(key)
            return True
        return False

    def in_order(self, keys: Iterable[str]) -> list[str]:
        """Return keys without repetition, in the order of the report."""
        return sorted(set(keys), key=lambda key: (self.entities[key].span, key))

    def modifiers(self, key: str) -> list[str]:
        """Return all that modifies an entity, and what modifies that, in report order."""
        found: set[str] = set()
        waiting = [key]
        while waiting:
            for modifier in self._modifiers[waiting.pop()]:
                if modifier not in found and modifier != key:
                    found.add(modifier)
                    waiting.append(modifier)
        return self.in_order(found)

    def is_modifier(self, key: str) -> bool:
        """Whether an observation modifies another observation."""
        return any(
            head != key and self.entities[head].is_observation
            for head in self._heads[key]
        )

    def anatomy(self, key: str) -> list[str]:
        """Return the anatomy of an observation with its modifiers, in report order.

        Where an observation has none of its own, that of its modifiers counts, then that
        of what it modifies, then that of the observations that suggest it.
        """
        seen: set[str] = set()
        waiting = [[key], self.modifiers(key)]
        while waiting:
            step = [each for each in waiting.pop(0) if each not in seen]
            seen.update(step)
            targets = [target for each in step for target in self._anatomy[each]]
            if targets:
                modifiers = [each for key in targets for each in self.modifiers(key)]
                return self.in_order([*targets, *modifiers])
            heads = [each for key in step for each in self._heads[key]]
            sources = [each for key in step for each in self._suggesting[key]]
            waiting += [each for each in (heads, sources) if each]
        return []
