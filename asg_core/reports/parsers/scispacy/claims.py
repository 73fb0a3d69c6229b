"""Turn one sentence and its dependency tree into its claims.

Phrases, cues and place words are found by the lexicon, and claims are made from them by
the rules of the parser `lexicon`. The tree decides what belongs together: for each
finding and each state the sentence is shown to those rules without the cues that do not
reach it and without the places that are not its own. Where the tree does not say, the
clauses of `asg_core.reports.grammar.clauses` decide.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from asg_core.reports.grammar.claims import Claim, named_claims
from asg_core.reports.grammar.clauses import Clauses
from asg_core.reports.grammar.mentions import find_mentions
from asg_core.reports.grammar.places import Group
from asg_core.reports.grammar.reader import open_sentence, read_claims, settled
from asg_core.reports.grammar.sentence import Mention, Sentence
from asg_core.reports.grammar.statements import state_claims
from asg_core.reports.lexicon.load import Lexicon
from asg_core.reports.lexicon.phrases import Entry, Match
from asg_core.reports.parsers.scispacy.places import (
    Landmarks,
    groups_of,
    is_about,
    noun_of,
    subjects_of,
)
from asg_core.reports.parsers.scispacy.scope import reaches, tree_cues
from asg_core.reports.parsers.scispacy.tree import Token, Tree

_BREAKS = frozenset({"break", "aside", "with"})
# More is a text that could not be cut into sentences; its tree is a guess, and the time
# to read it grows with the cube of its findings.
_MAX_TOKENS = 200
_ONE_CLAUSE = Clauses(starts=(0,))


def tree_claims(
    lexicon: Lexicon,
    text: str,
    tokens: Sequence[Token],
    *,
    max_scope: int,
    defined: Mapping[str, Entry] | None = None,
) -> tuple[Claim, ...]:
    """Return the claims of one sentence, in the order of its words.

    A sentence of more than 200 tokens is read by its clauses.

    Args:
        lexicon: The phrases.
        text: The sentence.
        tokens: Its dependency tree, with offsets into `text`; several roots may stand
            side by side.
        max_scope: How many words a cue reaches at most, whatever the tree says.
        defined: What abbreviations (lower case) mean that the report defines.
    """
    sentence = open_sentence(lexicon, text, max_scope=max_scope, defined=defined)
    if sentence is None:
        return ()
    if len(tokens) > _MAX_TOKENS:
        return read_claims(lexicon, text, max_scope=max_scope, defined=defined)
    breaks = [
        (match.start, match.end)
        for match in sentence.reading.matches
        if match.entry.role in _BREAKS
    ]
    tree = Tree(tokens, breaks=breaks)
    return settled(_TreeReader(sentence, tree).claims(), kinds=lexicon.kinds)


class _TreeReader:
    """Reads one sentence by its tree, one finding or state at a time."""

    def __init__(self, sentence: Sentence, tree: Tree) -> None:
        self._tree = tree
        reading = sentence.reading
        self._sentence = replace(
            sentence,
            reading=replace(
                reading, matches=tree_cues(tree, reading.words, reading.matches)
            ),
        )
        self._matches = self._sentence.reading.matches
        self._landmarks = Landmarks(
            findings=self._tops(lambda match: bool(match.entry.findings)),
            groups=tuple(
                (group, tuple(tree.heads(group.start, group.end)))
                for group in sentence.groups
            ),
            states=self._tops(lambda match: match.entry.state is not None),
        )

    def claims(self) -> list[Claim]:
        """Return all claims, those about states last."""
        mentions = {
            mention.match.first: mention for mention in find_mentions(self._sentence)
        }
        claims: list[Claim] = []
        for match in self._matches:
            mention = mentions.get(match.first)
            if mention is not None:
                claims.extend(self._named(mention))
        stated = list(state_claims(self._sentence))
        for match in self._matches:
            if match.entry.state is not None:
                claims.extend(self._stated(match, stated))
        return claims

    def _tops(self, is_one: Callable[[Match], bool]) -> tuple[int, ...]:
        tops = [
            self._tree.top(match.start, match.end)
            for match in self._matches
            if is_one(match)
        ]
        return tuple(top for top in tops if top is not None)

    def _named(self, mention: Mention) -> Iterator[Claim]:
        """Yield the claims about one named finding."""
        span = (mention.match.start, mention.match.end)
        target = self._tree.top(*span)
        groups = [] if target is None else self._groups_of(mention, target)
        view = self._view(mention.match, target, groups)
        return (claim for claim in named_claims(view) if claim.span == span)

    def _groups_of(self, mention: Mention, target: int) -> list[Group]:
        """Return the groups that a named finding takes its places from."""
        groups = groups_of(self._tree, self._landmarks, target)
        groups = groups or self._by_clauses(mention, target)
        side = self._sentence.group_before(mention.match.first)
        if mention.is_blanked and side is not None and side not in groups:
            # "Left ___ with tip in the SVC": the removed word had it.
            return [side, *groups]
        return groups

    def _by_clauses(self, mention: Mention, target: int) -> list[Group]:
        """Return the groups that the clauses give, less those that the tree excludes.

        "With" sets a finding apart, but may share: "left effusion with adjacent
        atelectasis". The clauses know whether there is an effusion.
        """
        near = [mention.before, mention.after]
        shared = list(mention.shared)
        if noun_of(self._tree, target) is None:
            near, shared = [*near, *shared], []
        return [
            group
            for group, tokens in self._landmarks.groups
            if group in shared
            or (
                group in near
                and not all(self._tree.is_apart(token, target) for token in tokens)
            )
        ]

    def _stated(self, state: Match, stated: Sequence[Claim]) -> Iterator[Claim]:
        """Yield the claims about one state."""
        target = self._tree.top(state.start, state.end)
        groups = [] if target is None else self._subjects(state, target)
        if not groups:
            places = [claim.place for claim in stated if _is_of(claim, state)]
            groups = [
                group
                for group in self._sentence.groups
                if (group.start, group.end) in places
            ]
        view = self._view(state, target, groups)
        return (claim for claim in state_claims(view) if _is_of(claim, state))

    def _subjects(self, state: Match, target: int) -> list[Group]:
        """Return the structures that the tree says are in a state."""
        subjects = subjects_of(self._tree, target)
        return [
            group
            for group, tokens in self._landmarks.groups
            if any(
                (place.zone or "", state.entry.state)
                in self._sentence.lexicon.statements
                for place in group.places
            )
            and is_about(self._tree, self._landmarks, tokens, subjects, state=target)
        ]

    def _view(
        self, match: Match, target: int | None, groups: Sequence[Group]
    ) -> Sentence:
        """Return the sentence with only what concerns one of its matches."""
        if target is None:
            return self._sentence
        clause = self._sentence.clause_of(match)
        matches = [
            other if other is match else self._concerning(other, match, target, clause)
            for other in self._matches
        ]
        reading = replace(self._sentence.reading, matches=matches, clauses=_ONE_CLAUSE)
        return replace(self._sentence, reading=reading, groups=groups)

    def _concerning(
        self, other: Match, match: Match, target: int, clause: int
    ) -> Match:
        """Return another match without the cues and the state that do not concern one."""
        entry = other.entry
        is_near = self._sentence.clause_of(other) == clause
        if entry.cues:
            is_cue = reaches(self._tree, other, target)
            if not (is_near if is_cue is None else is_cue):
                entry = replace(entry, cues=frozenset())
        if entry.state is not None and not self._is_state_of(other, target, match):
            entry = replace(entry, state=None)
        return other if entry is other.entry else other._replace(entry=entry)

    def _is_state_of(self, state: Match, target: int, match: Match) -> bool:
        """Whether a state is a named finding's: "normal markings"."""
        top = self._tree.top(state.start, state.end)
        if match.entry.state is not None or top is None:
            return False
        subjects = subjects_of(self._tree, top)
        if not subjects:
            return self._sentence.clause_of(state) == self._sentence.clause_of(match)
        return is_about(self._tree, self._landmarks, [target], subjects, state=top)


def _is_of(claim: Claim, state: Match) -> bool:
    """Whether a claim was made by this state, which then ends its span on one side."""
    return claim.span[0] == state.start or claim.span[1] == state.end
