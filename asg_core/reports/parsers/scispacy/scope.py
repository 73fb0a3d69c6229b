"""Which cues of a sentence reach a finding, by the dependency tree.

What a cue does, and to which side, is the lexicon's matter (`lexicon/data/cues.tsv`);
how far it does so is the tree's. A cue reaches what hangs below it ("resolution of the
effusion"), and, where it describes its head ("no", "not", "without", "possible"), that
head and what hangs below it, over coordinations ("no effusion or edema"), but over no
closed edge ("no effusion but an opacity").
"""

from collections.abc import Sequence

from asg_core.reports.lexicon.phrases import Entry, Match, Words
from asg_core.reports.parsers.scispacy.tree import ADJECTIVES, SUBJECTS, Tree

# They describe their head and nothing beyond its phrase.
_FIRM = frozenset({"det", "neg", "case", "amod", "predet", "nummod", "aux", "auxpass"})
# They describe their head, and so reach it, but may be meant for more than it.
_LOOSE = frozenset(
    {"advmod", "mark", "cc", "preconj", "compound", "nn", "cop", "quantmod", "nmod"}
)
# What is said of a subject: "effusion is unlikely".
_COMPLEMENTS = frozenset({"acomp", "attr", "oprd", "xcomp"})
# A conjunct with one of these does not share the adjective of the first.
_OWN_WORDS = frozenset({"amod", "det", "neg"})
# From a word of a noun phrase up to its noun.
_PHRASE = frozenset({"amod", "compound", "nn", "nummod", "nmod", "advmod", "poss"})
_PASSIVE = frozenset({"auxpass", "nsubjpass"})
# What a passive verb reports; a denial is for that, not for the subject.
_CONTENTS = frozenset({"xcomp", "ccomp"})


def reaches(tree: Tree, cue: Match, target: int) -> bool | None:
    """Whether a cue reaches the token `target`; None: the tree does not say."""
    if target in tree.inside(cue.start, cue.end):
        return True
    answers = [_reaches(tree, head, target) for head in tree.heads(cue.start, cue.end)]
    if True in answers:
        return True
    if None in answers or not answers:
        return None
    return False


def tree_cues(tree: Tree, words: Words, matches: Sequence[Match]) -> list[Match]:
    """Return the matches with the cues that only the tree shows, in order.

    A token labelled `neg` denies, whether the lexicon has it or not ("isn't"), and in a
    passive sentence it denies the subject before it ("effusion is not at all seen").
    """
    result = [_turned(tree, match) for match in matches]
    taken = {index for match in matches for index in range(match.first, match.last)}
    for token in tree.tokens:
        if token.base != "neg":
            continue
        inside = [
            position
            for position, (start, end) in enumerate(words.spans)
            if start < token.end and token.start < end
        ]
        if not inside or taken.intersection(inside):
            continue
        entry = Entry(cues=frozenset({"deny_before"}))
        match = Match(entry, inside[0], inside[-1] + 1, token.start, token.end)
        result.append(_turned(tree, match))
        taken.update(inside)
    return sorted(result, key=lambda match: match.first)


def _turned(tree: Tree, match: Match) -> Match:
    """Let a denial of a passive verb act on the subject before it too."""
    cues = match.entry.cues
    if "deny_before" not in cues or "deny_after" in cues:
        return match
    for index in tree.inside(match.start, match.end):
        token = tree.tokens[index]
        if token.base != "neg" or tree.child(token.head, _PASSIVE) is None:
            continue
        if tree.child(token.head, _CONTENTS) is None:
            turned = Entry(cues=cues | {"deny_after"}).joined(match.entry)
            return match._replace(entry=turned)
    return match


def _reaches(tree: Tree, cue: int, target: int) -> bool | None:
    below = tree.below(target, cue)
    if below is not None:
        return tree.passes(below)
    base, head = tree.tokens[cue].base, tree.tokens[cue].head
    if head != cue and base in _FIRM | _LOOSE | ADJECTIVES:
        below = tree.below(target, head)
        if below is not None:
            return _reaches_below(tree, cue, below)
    elif head != cue and base in _COMPLEMENTS:
        below = tree.below(target, head)
        if below and tree.tokens[below[-1]].base in SUBJECTS:
            return tree.passes(below)
    if tree.is_apart(cue, target) or base == "prep":
        return False
    if base in _FIRM and not _is_one_phrase(tree, head, target):
        return False
    return None


def _reaches_below(tree: Tree, cue: int, below: Sequence[int]) -> bool | None:
    """Whether a describing cue reaches a token this far below its head."""
    base = tree.tokens[cue].base
    if base in ADJECTIVES:
        for index in below:
            is_other = tree.tokens[index].base == "conj"
            if is_other and tree.child(index, _OWN_WORDS) is not None:
                return False  # "resolved effusion and new opacity"
    return tree.passes(below)


def _is_one_phrase(tree: Tree, index: int, target: int) -> bool:
    """Whether `index` lies in the noun phrase of the target: "no right effusion"."""
    below = tree.below(index, target)
    return below is not None and all(
        tree.tokens[token].base in _PHRASE for token in below
    )
