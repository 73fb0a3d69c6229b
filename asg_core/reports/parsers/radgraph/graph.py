"""Read one RadGraph document: its entities, with offsets into the original report.

A document holds the report, or sections of it, re-spaced: its indices count tokens
between blanks. The report itself is found again by walking over the characters that are
no blanks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from asg_core.reports.parsers.parser import Span, UnreadableReportError
from asg_core.terms.existence import Existence

_EXISTENCE: Mapping[str, Existence] = {
    "DP": Existence.PRESENT,
    "DA": Existence.ABSENT,
    "U": Existence.UNCERTAIN,
    "definitely present": Existence.PRESENT,
    "definitely absent": Existence.ABSENT,
    "uncertain": Existence.UNCERTAIN,
}
_KINDS: Mapping[str, tuple[bool, bool]] = {
    "OBS": (True, False),
    "ANAT": (False, False),
    "Observation": (True, False),
    "Anatomy": (False, False),
    "Observation::measurement": (True, True),
}
# Ways to take pieces that are kept at a time. A text that needs more repeats its lines
# more than a hundred times.
_MAX_STATES = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One entity; `span` indexes the original report."""

    span: Span
    is_observation: bool
    is_measurement: bool
    existence: Existence
    relations: tuple[tuple[str, str], ...]
    """What it points at: relation and key of the other entity."""


def read_graph(
    document: object, *, text: str, sections: Sequence[Sequence[Span]]
) -> dict[str, Entity]:
    """Return the entities of a document by their keys.

    Of a document with two annotators the first one counts.

    Args:
        document: As the file or the package gives it.
        text: The original report.
        sections: The sentences of each section that is read.

    Raises:
        UnreadableReportError: If the document is no graph (`malformed_graph`), its
            tokens are not those of the report (`graph_not_aligned`), or an index points
            nowhere (`bad_graph_index`).
    """
    graph = _mapping(document, "the document")
    if "labeler_1" in graph:
        annotated = _mapping(graph["labeler_1"], "labeler_1")
        graph = {"text": graph.get("text"), **annotated}
    if not isinstance(graph.get("text"), str):
        raise _malformed("a text", "none")
    tokens = str(graph["text"]).split()
    spans = align(tokens, text=text, sections=sections)
    entities = _mapping(graph.get("entities"), "entities")
    read = {
        key: _entity(_mapping(value, "an entity"), tokens=tokens, spans=spans)
        for key, value in entities.items()
    }
    for entity in read.values():
        for _, target in entity.relations:
            if target not in read:
                raise UnreadableReportError(
                    "bad_graph_index",
                    f"Graph: expected relations to one of {len(read)} entities, found one "
                    "to an entity that is not there.",
                )
    return read


def align(
    tokens: Sequence[str], *, text: str, sections: Sequence[Sequence[Span]]
) -> list[Span]:
    """Return where each token stands in `text`.

    The tokens, blanks and case aside, are the whole text, or else the sections that are
    read, or else pieces of the text in its order. Pieces start at lines, behind colons,
    and at sentences. Of several ways to take pieces the one with the fewest gaps counts,
    and of those the first.

    Raises:
        UnreadableReportError: `graph_not_aligned`, if there is no way, or if the text
            repeats itself so often that there are too many.
    """
    kept = [index for index, char in enumerate(text) if not char.isspace()]
    read = [
        index
        for spans in sections
        if spans
        for index in range(spans[0][0], spans[-1][1])
        if not text[index].isspace()
    ]
    wanted = _folded("".join(tokens))
    for origins in (kept, read):
        if _folded("".join(text[index] for index in origins)) == wanted:
            return _token_spans(tokens, origins=origins)
    pieces = _pieces(text, kept, [start for spans in sections for start, _ in spans])
    return _token_spans(
        tokens, origins=_pieces_taken(wanted, text=text, kept=kept, pieces=pieces)
    )


def _pieces_taken(
    wanted: str, *, text: str, kept: Sequence[int], pieces: Sequence[Span]
) -> list[int]:
    """Return the characters of the pieces that make up `wanted`, see `align`."""
    whole = _folded("".join(text[index] for index in kept))
    # Characters matched so far, and whether the piece before was taken -> gaps, and the
    # pieces taken as a chain.
    states: dict[tuple[int, bool], tuple[int, _Chain]] = {(0, False): (0, None)}
    for low, high in pieces:
        following: dict[tuple[int, bool], tuple[int, _Chain]] = {}
        for (matched, is_taken), (gaps, chain) in states.items():
            if matched < len(wanted) and wanted.startswith(whole[low:high], matched):
                cost = gaps + (not is_taken)
                state = (matched + high - low, True)
                _keep(following, state, cost=cost, chain=(chain, (low, high)))
            _keep(following, (matched, False), cost=gaps, chain=chain)
        if len(following) > _MAX_STATES:
            raise _not_aligned()
        states = following
    ends = [
        states[len(wanted), taken]
        for taken in (False, True)
        if (len(wanted), taken) in states
    ]
    if not ends:
        raise _not_aligned()
    _, chain = min(ends, key=lambda end: end[0])
    taken: list[Span] = []
    while chain is not None:
        chain, piece = chain
        taken.append(piece)
    return [kept[at] for low, high in reversed(taken) for at in range(low, high)]


def _not_aligned() -> UnreadableReportError:
    return UnreadableReportError(
        "graph_not_aligned",
        "Graph: expected the tokens of its text in the report, in order and in whole "
        "sentences or lines, found others.",
    )


_Chain = tuple["_Chain", Span] | None


def _keep(
    states: dict[tuple[int, bool], tuple[int, _Chain]],
    state: tuple[int, bool],
    *,
    cost: int,
    chain: _Chain,
) -> None:
    known = states.get(state)
    if known is None or cost < known[0]:
        states[state] = (cost, chain)


def _pieces(text: str, kept: Sequence[int], starts: Sequence[int]) -> list[Span]:
    """Return the pieces as positions in `kept`."""
    sentences = set(starts)
    cuts = [
        position
        for position, index in enumerate(kept)
        if position == 0
        or index in sentences
        or text[kept[position - 1]] == ":"
        or "\n" in text[kept[position - 1] + 1 : index]
    ]
    return list(pairwise([*cuts, len(kept)]))


def _token_spans(tokens: Sequence[str], *, origins: Sequence[int]) -> list[Span]:
    spans, position = [], 0
    for token in tokens:
        last = position + len(token) - 1
        spans.append((origins[position], origins[last] + 1))
        position = last + 1
    return spans


def _folded(text: str) -> str:
    """Return the text in lower case, character by character."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


def _entity(
    entity: Mapping[str, object], *, tokens: Sequence[str], spans: Sequence[Span]
) -> Entity:
    first, last = entity.get("start_ix"), entity.get("end_ix")
    if not isinstance(first, int) or not isinstance(last, int):
        raise _malformed("whole numbers start_ix and end_ix", "something else")
    if not 0 <= first <= last < len(spans):
        raise UnreadableReportError(
            "bad_graph_index",
            f"Graph: expected 0 <= start_ix <= end_ix < {len(spans)}, found {first} and "
            f"{last}.",
        )
    named = entity.get("tokens")
    meant = _folded("".join(tokens[first : last + 1]))
    if isinstance(named, str) and _folded("".join(named.split())) != meant:
        raise UnreadableReportError(
            "bad_graph_index",
            f"Graph: expected the tokens {first} to {last} to be those that the entity "
            "names, found others.",
        )
    is_observation, is_measurement, existence = _label(entity.get("label"))
    return Entity(
        span=(spans[first][0], spans[last][1]),
        is_observation=is_observation,
        is_measurement=is_measurement,
        existence=existence,
        relations=_relations(entity.get("relations", [])),
    )


def _label(label: object) -> tuple[bool, bool, Existence]:
    if isinstance(label, str):
        mark = "::" if "::" in label else "-"
        kind, _, state = label.rpartition(mark)
        if kind in _KINDS and state in _EXISTENCE:
            return *_KINDS[kind], _EXISTENCE[state]
    raise _malformed("a label of RadGraph or RadGraph-XL", "another one")


def _relations(relations: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(relations, list):
        raise _malformed("a list of relations", type(relations).__name__)
    read: list[tuple[str, str]] = []
    for relation in relations:
        match relation:
            case ["modify" | "located_at" | "suggestive_of" as name, str(target)]:
                read.append((name, target))
            case [str(), str()]:
                raise _malformed("modify, located_at or suggestive_of", "another")
            case _:
                raise _malformed("relations of a name and a key", "something else")
    return tuple(read)


def _mapping(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _malformed(f"{what} to be an object", type(value).__name__)
    return value


def _malformed(expected: str, found: str) -> UnreadableReportError:
    return UnreadableReportError(
        "malformed_graph", f"Graph: expected {expected}, found {found}."
    )
