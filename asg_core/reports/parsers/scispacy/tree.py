"""Hold the dependency tree of one sentence as plain values: heads and labels.

Labels come in two styles, and a model can mix them: ClearNLP (`prep`, `pobj`, `dobj`)
and Stanford or Universal Dependencies (`nmod`, `case`, `cop`, `nsubj:pass`), which
scispaCy's models use. Both are read. An edge between two tokens is *open* when a denial
or a place can pass it, *closed* when what hangs there says something of its own ("...,
but an opacity is seen"), and *unknown* when the label does not say.
"""

from collections.abc import Sequence
from enum import Enum
from functools import cached_property, lru_cache
from typing import NamedTuple

SUBJECTS = frozenset({"nsubj", "nsubjpass", "csubj", "csubjpass", "expl"})
ADJECTIVES = frozenset({"amod", "acl", "relcl"})
"""Labels of what describes a noun and nothing else."""

# Sub-types that ClearNLP has labels of its own for.
_SUBTYPES = {
    "acl:relcl": "relcl",
    "aux:pass": "auxpass",
    "csubj:pass": "csubjpass",
    "nsubj:pass": "nsubjpass",
}
_ARTICLES = frozenset({"a", "an"})
_UNKNOWN = frozenset({"", "dep", "root", "meta", "list", "punct", "intj", "discourse"})
_CLAUSES = frozenset({"advcl", "parataxis", "ccomp"})
_LINKERS = frozenset({"case", "mark", "cc", "prep"})


class Edge(Enum):
    """What can pass from a token's head to the token."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class Token(NamedTuple):
    """One token: its characters, half-open, and its head; a root is its own head."""

    text: str
    start: int
    end: int
    head: int
    label: str

    @property
    def base(self) -> str:
        """The label without its sub-type: "nmod" for "nmod:poss"."""
        return _base_of(self.label)


@lru_cache(maxsize=256)
def _base_of(label: str) -> str:
    label = label.lower()
    if label in _SUBTYPES:
        return _SUBTYPES[label]
    return label.partition("||")[0].partition(":")[0].partition("@")[0]


class Tree:
    """The tokens of one sentence and what hangs on what."""

    def __init__(
        self, tokens: Sequence[Token], *, breaks: Sequence[tuple[int, int]]
    ) -> None:
        """Keep the tokens; `breaks` are the characters of "but", "with" and the like."""
        self.tokens = tuple(tokens)
        self._breaks = frozenset(
            index for start, end in breaks for index in self.inside(start, end)
        )

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """The tokens that hang on each token, in order."""
        found: list[list[int]] = [[] for _ in self.tokens]
        for index, token in enumerate(self.tokens):
            if token.head != index:
                found[token.head].append(index)
        return tuple(tuple(children) for children in found)

    def inside(self, start: int, end: int) -> list[int]:
        """Return the tokens that share characters with `start` to `end`."""
        return [
            index
            for index, token in enumerate(self.tokens)
            if token.start < end and start < token.end
        ]

    def heads(self, start: int, end: int) -> list[int]:
        """Return the tokens in `start` to `end` whose head lies outside."""
        inside = self.inside(start, end)
        return [
            index
            for index in inside
            if self.tokens[index].head not in inside or self._is_root(index)
        ]

    def top(self, start: int, end: int) -> int | None:
        """Return the highest token in `start` to `end`, the last of equals."""
        heads = self.heads(start, end)
        if not heads:
            return None
        return min(heads, key=lambda index: (len(self.path_up(index)), -index))

    def path_up(self, index: int) -> tuple[int, ...]:
        """Return the token, its head, and so on up to a root."""
        return self._paths[index]

    def below(self, index: int, top: int) -> tuple[int, ...] | None:
        """Return the tokens from `index` up to right below `top`; None: not below."""
        path = self.path_up(index)
        return path[: path.index(top)] if top in path else None

    def child(self, index: int, labels: frozenset[str]) -> int | None:
        """Return the first child with one of these labels."""
        return next(
            (
                child
                for child in self.children[index]
                if self.tokens[child].base in labels
            ),
            None,
        )

    def edge(self, index: int) -> Edge:
        """Return what passes the edge above a token."""
        return self._edges[index]

    def passes(self, path: Sequence[int]) -> bool | None:
        """Whether all the edges above these tokens are open; None: it is not known."""
        edges = {self.edge(index) for index in path}
        if Edge.CLOSED in edges:
            return False
        return None if Edge.UNKNOWN in edges else True

    def is_apart(self, one: int, other: int) -> bool:
        """Whether a closed edge lies on the way from one token to another."""
        above, below = self.path_up(one), self.path_up(other)
        between = [*(set(above) - set(below)), *(set(below) - set(above))]
        return any(self.edge(index) is Edge.CLOSED for index in between)

    @cached_property
    def _paths(self) -> tuple[tuple[int, ...], ...]:
        return tuple(self._read_path(index) for index in range(len(self.tokens)))

    def _read_path(self, index: int) -> tuple[int, ...]:
        path = [index]
        while not self._is_root(path[-1]):
            path.append(self.tokens[path[-1]].head)
        return tuple(path)

    @cached_property
    def _edges(self) -> tuple[Edge, ...]:
        return tuple(self._read_edge(index) for index in range(len(self.tokens)))

    def _read_edge(self, index: int) -> Edge:
        base = self.tokens[index].base
        if base in _UNKNOWN or self._is_root(index):
            return Edge.UNKNOWN
        if base == "relcl" or index in self._breaks or self._is_set_off(index):
            return Edge.CLOSED
        if base == "conj":
            return Edge.CLOSED if self._is_contrasted(index) else Edge.OPEN
        if base in _CLAUSES:
            if self.child(index, SUBJECTS) is not None:
                return Edge.CLOSED
            return Edge.OPEN if base == "ccomp" else Edge.UNKNOWN
        return Edge.OPEN

    def _is_root(self, index: int) -> bool:
        return self.tokens[index].head == index

    def _is_set_off(self, index: int) -> bool:
        """Whether "with", "but" or the like leads the token to its head."""
        return any(
            child in self._breaks and child < index
            for child in self.children[index]
            if self.tokens[child].base in _LINKERS
        )

    def _is_contrasted(self, index: int) -> bool:
        """Whether a conjunct says something of its own.

            It does if it has a subject, or an article ("no effusion and a nodule"), or if "but"
        stands before it.
        """
        if self.child(index, SUBJECTS) is not None:
            return True
        link = self._link(index)
        if link is None:
            return False
        if link in self._breaks:
            return True
        article = self.child(index, frozenset({"det"}))
        if article is None or self.tokens[article].text.lower() not in _ARTICLES:
            return False
        return self.tokens[link].text.lower() == "and"

    def _link(self, index: int) -> int | None:
        """Return the nearest conjunction before a conjunct, on it or on one above it."""
        above = frozenset(self.path_up(index))
        between = range(index - 1, self.tokens[index].head, -1)
        return next(
            (
                child
                for child in between
                if self.tokens[child].base in ("cc", "punct")
                and self.tokens[child].head in above
            ),
            None,
        )
