"""Which place words belong to a finding or a state, by the dependency tree.

The place words are the groups of `asg_core.reports.grammar.places`; the tree only says which of
them a finding takes: those that describe it ("left basilar opacity", "opacity in the
left base"), or the noun that it describes ("calcified hilar nodes"); else those of a
finding it is coordinated with; else those of its verb, the subject among them ("the left
base shows an opacity").
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from asg_core.reports.grammar.places import Group
from asg_core.reports.parsers.scispacy.tree import ADJECTIVES, SUBJECTS, Edge, Tree

# How a description hangs on its noun.
_NOMINAL = frozenset(
    {"acl", "advmod", "amod", "appos", "case", "compound", "conj", "det", "fixed"}
    | {"flat", "nn", "nmod", "npadvmod", "nummod", "obl", "pcomp", "pobj", "poss"}
    | {"prep", "quantmod"}
)
_OBJECTS = frozenset({"dobj", "obj", "attr", "acomp", "oprd", "xcomp", "ccomp"})
_ARGUMENTS = SUBJECTS | _OBJECTS
# From a state up to what has a subject: "is within normal limits".
_PREDICATE = _OBJECTS | frozenset(
    {"advmod", "aux", "conj", "nmod", "obl", "pobj", "prep"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Landmarks:
    """The tokens of a sentence's findings, of each group, and of each state."""

    findings: tuple[int, ...]
    groups: tuple[tuple[Group, tuple[int, ...]], ...]
    states: tuple[int, ...] = ()


def groups_of(tree: Tree, landmarks: Landmarks, finding: int) -> list[Group]:
    """Return the groups that the tree gives to a finding, in order."""
    own = _own(tree, landmarks, finding)
    if own:
        if all(place.zone and place.sides for group in own for place in group.places):
            return own
        # "Left pneumothorax is seen at the apex": the verb has the rest.
        return _in_order(landmarks, [*own, *_of_verb(tree, landmarks, finding)])
    shared = _of_neighbours(tree, landmarks, finding)
    return shared or _of_verb(tree, landmarks, finding)


def subjects_of(tree: Tree, state: int) -> list[int]:
    """Return the tokens that a state is about; none where the tree does not say.

    They are the noun that it describes ("normal heart size"), or else the subjects of its
    verb ("heart size is normal"), or what hangs below it ("enlargement of the heart").
    """
    token = tree.tokens[state]
    if token.base in ADJECTIVES and token.head != state:
        return [token.head]
    for index in tree.path_up(state):
        subjects = [
            child
            for child in tree.children[index]
            if tree.tokens[child].base in SUBJECTS
        ]
        if subjects:
            return subjects
        if tree.tokens[index].base not in _PREDICATE:
            break
    return [
        child
        for child in tree.children[state]
        if tree.tokens[child].base in ("nmod", "prep", "compound", "nn", "obl")
    ]


def is_about(
    tree: Tree,
    landmarks: Landmarks,
    tokens: Collection[int],
    subjects: Sequence[int],
    *,
    state: int,
) -> bool:
    """Whether one of the tokens is a subject of a state, or describes one.

    A coordinated noun with a state of its own is not: "normal heart, enlarged aorta".
    """
    taken = {
        tree.tokens[other].head
        for other in landmarks.states
        if other != state and tree.tokens[other].base in ADJECTIVES
    }.difference(subjects)
    return any(
        _leads(tree, token, subject, stops=taken)
        for token in tokens
        for subject in subjects
    )


def noun_of(tree: Tree, finding: int) -> int | None:
    """Return the noun that a finding describes, or that it belongs to by "with".

    It describes one in "calcified hilar nodes", and belongs to one in "the left base with
    scarring".
    """
    token = tree.tokens[finding]
    if token.head == finding:
        return None
    if token.base in ("amod", "acl"):
        return token.head
    is_closed = tree.edge(finding) is Edge.CLOSED
    if token.base == "nmod":
        return token.head if is_closed else None
    above = tree.tokens[token.head]
    if token.base == "pobj" and tree.edge(token.head) is Edge.CLOSED:
        return above.head
    return None


def _own(tree: Tree, landmarks: Landmarks, finding: int) -> list[Group]:
    """Return the groups that describe a finding, or the noun that it describes."""
    targets = [finding]
    noun = noun_of(tree, finding)
    if noun is not None and noun not in landmarks.findings:
        targets.append(noun)
    stops = set(landmarks.findings).difference(targets)
    return [
        group
        for group, tokens in landmarks.groups
        if any(
            _leads(tree, token, target, stops=stops)
            for token in tokens
            for target in targets
        )
    ]


def _of_neighbours(tree: Tree, landmarks: Landmarks, finding: int) -> list[Group]:
    """Return the groups of the nearest coordinated finding that has some.

    A finding before it gives all its groups, one behind it only those that follow: they
    share a place in "scar and effusion in the left base", but not in "scar and left
    effusion".
    """
    chain = _coordinated(tree, finding)
    others = [other for other in landmarks.findings if other in chain]
    for other in sorted(
        others, key=lambda other: (other > finding, abs(other - finding))
    ):
        own = _own(tree, landmarks, other)
        if other > finding:
            own = [group for group in own if group.start >= tree.tokens[other].end]
        if own:
            return own
    return []


def _coordinated(tree: Tree, index: int) -> set[int]:
    """Return the tokens joined with one by "and", "or" or a comma, without it."""
    first = index
    while tree.tokens[first].base == "conj" and tree.edge(first) is Edge.OPEN:
        first = tree.tokens[first].head
    found, queue = {first}, [first]
    while queue:
        for child in tree.children[queue.pop()]:
            if tree.tokens[child].base == "conj" and tree.edge(child) is Edge.OPEN:
                found.add(child)
                queue.append(child)
    return found - {index}


def _of_verb(tree: Tree, landmarks: Landmarks, finding: int) -> list[Group]:
    """Return the groups that hang on the nearest verb above a finding that has some."""
    stops = set(landmarks.findings)
    current = finding
    while tree.tokens[current].head != current:
        token = tree.tokens[current]
        if token.base not in _ARGUMENTS | _NOMINAL:
            break
        if tree.edge(current) is not Edge.OPEN:
            break
        if token.head in landmarks.findings and token.base != "conj":
            break
        current = token.head
        groups = [
            group
            for group, tokens in landmarks.groups
            if any(
                _leads(tree, index, current, stops=stops, links=_NOMINAL | SUBJECTS)
                for index in tokens
            )
        ]
        if groups and current not in landmarks.findings:
            return groups
    return []


def _leads(
    tree: Tree,
    index: int,
    target: int,
    *,
    stops: Collection[int],
    links: frozenset[str] = _NOMINAL,
) -> bool:
    """Whether a token hangs on the target by open edges, past none of the stops."""
    path = tree.below(index, target)
    if path is None:
        return False
    return all(
        tree.tokens[token].base in links
        and token not in stops
        and tree.edge(token) is Edge.OPEN
        for token in path
    )


def _in_order(landmarks: Landmarks, groups: Sequence[Group]) -> list[Group]:
    return [group for group, _ in landmarks.groups if group in groups]
