"""Sentence frames, read from `wording/frames_*.tsv`, and which statements they take.

A frame is a template (see `templates`) with the claims that it can state:
"kind:about@restriction=relation", joined by " + ". The kinds are those of `Kind`; `about`
names findings or groups, a restriction their places, and the relation of a later claim to
the first is "place" (the same places) or "side" (the same side).
"""

from dataclasses import dataclass
from functools import cache, lru_cache

from asg_core.synthetic.writing.statements import Kind, Memory, Statement
from asg_core.synthetic.writing.templates import (
    LIST,
    ListSlot,
    Mark,
    Node,
    NounSlot,
    PlaceSlot,
    Value,
    parse_template,
    walk,
)
from asg_core.synthetic.writing.words import (
    ABSENT,
    POSITIVE,
    Noun,
    PlaceForm,
    Places,
    find_members,
    find_nouns,
    find_place_forms,
    is_implied,
    places_fit,
    read_rows,
)
from asg_core.terms.regions import side_of

# A frame for at most so many findings says something that fits only them.
_FEW = 3

FRAME_FILES = ("present", "uncertain", "change", "removed", "absent", "normal", "mixed")

_Key = tuple[Kind, str, Places]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimPattern:
    """Which statements can take one claim of a frame."""

    kind: str
    findings: frozenset[str]
    restrictions: tuple[str, ...]
    relation: str
    is_list: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSlots:
    """Where a frame names a claim: decides which words can be used."""

    noun: NounSlot | None
    has_place: bool
    has_side: bool
    is_stated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceFrame:
    """One way to put one or several statements into a sentence."""

    frame_id: str
    uses: str
    """Letters: F findings in full sentences, T in terse ones, I impression."""

    claims: tuple[ClaimPattern, ...]
    slots: tuple[ClaimSlots, ...]
    nodes: tuple[Node, ...]
    has_list: bool
    is_special: bool
    """Made for one finding, or a few, rather than for a whole group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How one claim can be named: every option is a noun and perhaps a place."""

    inner: tuple[Noun, ...]
    """Nouns that name their place themselves ("enlarged heart")."""

    before: tuple[Noun, ...]
    after: tuple[Noun, ...]
    bare: tuple[Noun, ...]
    adjectives: tuple[PlaceForm, ...]
    phrases: tuple[PlaceForm, ...]


@cache
def read_frames() -> tuple[SentenceFrame, ...]:
    """Return the frames of all files, each once.

    Raises:
        ValueError: If a line cannot be read, with its file and number.
    """
    found: dict[tuple[str, str], SentenceFrame] = {}
    for name in FRAME_FILES:
        for where, row in read_rows(f"frames_{name}.tsv"):
            frame = _read_frame(row, where=where)
            found[row["claims"], row["text"]] = frame
    return tuple(found.values())


def _read_frame(row: dict[str, str], *, where: str) -> SentenceFrame:
    claims = tuple(
        _read_pattern(part, where=where) for part in row["claims"].split(" + ")
    )
    nodes = parse_template(row["text"], where=where)
    slots = tuple(
        _find_slots(nodes, claim=index, is_list=pattern.is_list)
        for index, pattern in enumerate(claims)
    )
    for index, slot in enumerate(slots, start=1):
        if not slot.is_stated:
            raise ValueError(
                f"{where}: expected a noun or <f{index}:...> for claim {index}, found "
                f"neither in '{row['text']}'"
            )
    return SentenceFrame(
        frame_id=f"{row['claims']}: {row['text']}",
        uses=row["use"],
        claims=claims,
        slots=slots,
        nodes=nodes,
        has_list=claims[-1].is_list,
        is_special=len(claims[0].findings) <= _FEW,
    )


def _read_pattern(text: str, *, where: str) -> ClaimPattern:
    text, _, relation = text.partition("=")
    kind, _, rest = text.partition(":")
    about, *restrictions = rest.split("@")
    is_list = kind.endswith(" list")
    return ClaimPattern(
        kind=Kind(kind.removesuffix(" list")),
        findings=find_members(about, where=where),
        restrictions=tuple(restrictions),
        relation=relation,
        is_list=is_list,
    )


def _find_slots(nodes: tuple[Node, ...], *, claim: int, is_list: bool) -> ClaimSlots:
    noun, has_place, has_side, is_stated = None, False, False, False
    for node in walk(nodes):
        if isinstance(node, NounSlot) and node.claim == claim:
            noun, is_stated = node, True
        elif isinstance(node, PlaceSlot) and claim in node.claims:
            has_place = True
        elif isinstance(node, Value) and node.name == "S":
            has_side = has_side or node.claim == claim
        elif isinstance(node, Mark) and node.role == "f" and claim in node.claims:
            is_stated = True
        elif isinstance(node, ListSlot) and is_list:
            noun = NounSlot(
                claim=LIST,
                article="",
                before=(),
                has_place=True,
                has_severity=False,
            )
            is_stated = True
    return ClaimSlots(
        noun=noun, has_place=has_place, has_side=has_side, is_stated=is_stated
    )


@cache
def find_wording(finding: str, places: Places, polarity: str) -> Wording:
    """Return the words for one finding at some places."""
    nouns = find_nouns(finding, places, polarity)
    plain = [noun for noun in nouns if noun.form.place is None]
    forms = find_place_forms(finding, places, polarity)
    return Wording(
        inner=tuple(noun for noun in nouns if noun.form.place is not None),
        before=tuple(noun for noun in plain if noun.joined_by in ("", "adj")),
        after=tuple(noun for noun in plain if noun.joined_by in ("", "at")),
        bare=tuple(noun for noun in plain if noun.joined_by in ("", "none")),
        adjectives=tuple(form for form in forms if not form.preposition),
        phrases=tuple(form for form in forms if form.preposition),
    )


def find_frames(
    statements: tuple[Statement, ...], *, uses: str, memory: Memory
) -> tuple[SentenceFrame, ...]:
    """Return the frames that can state these claims, in this order.

    Args:
        statements: At least one; a frame with a list takes all that are left over.
        uses: Letters of `SentenceFrame.uses`; any of them will do.
        memory: Frames used before are left out as long as others remain.
    """
    frames = _frames_for(_keys(statements), uses)
    used = memory.used_frames
    fresh = tuple(frame for frame in frames if frame.frame_id not in used)
    return fresh or frames


def is_stateable(statements: tuple[Statement, ...], *, uses: str) -> bool:
    """Say whether one sentence can hold all these statements, in this order."""
    return bool(_frames_for(_keys(statements), uses))


def _keys(statements: tuple[Statement, ...]) -> tuple[_Key, ...]:
    return tuple((s.kind, s.finding, s.places) for s in statements)


@lru_cache(maxsize=50_000)
def _frames_for(keys: tuple[_Key, ...], uses: str) -> tuple[SentenceFrame, ...]:
    kinds = tuple(kind for kind, _, _ in keys)
    frames = _frames_by_kinds(kinds)
    return tuple(
        frame
        for frame in frames
        if any(use in frame.uses for use in uses) and _takes(frame, keys)
    )


@cache
def _frames_by_kinds(kinds: tuple[Kind, ...]) -> tuple[SentenceFrame, ...]:
    found = []
    for frame in read_frames():
        patterns = [pattern.kind for pattern in frame.claims]
        if frame.has_list:
            fixed = len(patterns) - 1
            rest = kinds[fixed:]
            is_match = kinds[:fixed] == tuple(patterns[:-1])
            is_match = is_match and len(rest) >= 2
            is_match = is_match and all(kind == patterns[-1] for kind in rest)
        else:
            is_match = kinds == tuple(patterns)
        if is_match:
            found.append(frame)
    return tuple(found)


def _takes(frame: SentenceFrame, keys: tuple[_Key, ...]) -> bool:
    for index, key in enumerate(keys):
        at = min(index, len(frame.claims) - 1)
        if not _takes_claim(frame.claims[at], frame.slots[at], key, first=keys[0]):
            return False
    return True


def _takes_claim(
    pattern: ClaimPattern,
    slots: ClaimSlots,
    key: _Key,
    *,
    first: _Key,
) -> bool:
    kind, finding, places = key
    if finding not in pattern.findings:
        return False
    if not all(places_fit(word, places) for word in pattern.restrictions):
        return False
    if pattern.relation == "place" and set(places) != set(first[2]):
        return False
    if pattern.relation == "side" and _sides(places) != _sides(first[2]):
        return False
    is_referring = kind is Kind.MAYBE or kind.startswith("reference")
    return _can_name(
        key, slots=slots, is_referring=is_referring or bool(pattern.relation)
    )


def _sides(places: Places) -> frozenset[str | None]:
    return frozenset(side_of(place) for place in places)


def _can_name(key: _Key, *, slots: ClaimSlots, is_referring: bool) -> bool:
    """Say whether there are words for a claim in the slots of a frame."""
    kind, finding, places = key
    polarity = ABSENT if kind is Kind.ABSENT else POSITIVE
    words = find_wording(finding, places, polarity)
    if slots.has_place and not words.phrases:
        return False
    if slots.has_side and not places_fit("one side", places):
        return False
    if slots.noun is None:
        return True
    if slots.has_place:
        return bool(words.after)
    implied = bool(words.bare) and is_implied(finding, places, polarity)
    if not slots.noun.has_place:
        return implied or (is_referring and bool(words.bare))
    joined = (words.before and words.adjectives) or (words.after and words.phrases)
    return bool(words.inner or joined or implied)
