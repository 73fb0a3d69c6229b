"""Read one sentence: words -> matches -> clauses -> groups -> claims."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from asg_core.reports.grammar.claims import Claim, named_claims
from asg_core.reports.grammar.lookalikes import turned
from asg_core.reports.grammar.places import find_groups
from asg_core.reports.grammar.pronouns import resolved
from asg_core.reports.grammar.reading import reading_of
from asg_core.reports.grammar.sentence import Sentence
from asg_core.reports.grammar.statements import state_claims
from asg_core.reports.lexicon.load import Lexicon
from asg_core.reports.lexicon.phrases import Entry, Found, Words
from asg_core.reports.lexicon.rules import Kinds
from asg_core.terms.existence import Existence
from asg_core.terms.regions import LEFT_UNSPECIFIED, RIGHT_UNSPECIFIED, UNSPECIFIED

_NO_REGION = frozenset({UNSPECIFIED, LEFT_UNSPECIFIED, RIGHT_UNSPECIFIED})


def read_claims(
    lexicon: Lexicon,
    text: str,
    *,
    max_scope: int,
    defined: Mapping[str, Entry] | None = None,
) -> tuple[Claim, ...]:
    """Return the claims of one sentence, in the order of its words.

    `defined` maps abbreviations (lower case) that the report defines to what they mean.
    """
    return read_open_claims(lexicon, text, max_scope=max_scope, defined=defined)[0]


def read_open_claims(
    lexicon: Lexicon,
    text: str,
    *,
    max_scope: int,
    defined: Mapping[str, Entry] | None = None,
    antecedent: Entry | None = None,
) -> tuple[tuple[Claim, ...], bool]:
    """Return the same claims, and whether a pronoun asks for the sentence before.

    "None on the right" then claims nothing, unless `antecedent` is what it stands for.
    """
    words = Words(text)
    found: Sequence[Found] = lexicon.phrases.find(words, defined=defined)
    is_open = False
    may_turn = lexicon.phrases.may_turn(words)
    if may_turn:
        found = turned(words, found)
    if may_turn or words.names_a_side():
        found, is_open = resolved(words, found, antecedent)
    sentence = _opened(lexicon, words, found, max_scope)
    if sentence is None:
        return (), is_open
    claims = [*named_claims(sentence), *state_claims(sentence)]
    return settled(claims, kinds=lexicon.kinds), is_open


def open_sentence(
    lexicon: Lexicon,
    text: str,
    *,
    max_scope: int,
    defined: Mapping[str, Entry] | None = None,
) -> Sentence | None:
    """Return one sentence with its words, clauses and groups of place words.

    A pronoun stands for what the sentence itself names, or for nothing. The result is None where nothing in it can claim anything.
    """
    words = Words(text)
    found: Sequence[Found] = lexicon.phrases.find(words, defined=defined)
    if lexicon.phrases.may_turn(words) or words.names_a_side():
        found, _ = resolved(words, turned(words, found), None)
    return _opened(lexicon, words, found, max_scope)


def _opened(
    lexicon: Lexicon, words: Words, found: Sequence[Found], max_scope: int
) -> Sentence | None:
    for entry, _, _ in found:
        if entry.findings or entry.state:
            break
    else:
        if ":" not in words or not found:
            return None  # only an answer could still open a heading: "lines: none"
    reading = reading_of(lexicon, words, found)
    return Sentence(reading, find_groups(reading), max_scope)


def settled(claims: Sequence[Claim], *, kinds: Kinds) -> tuple[Claim, ...]:
    """Return the claims of one sentence as rows of the table can hold them.

    A device without a region is where its tip is; no two claims share finding, start
    and region; the order is that of the words. `claims` come in the order of the words,
    those about states last.
    """
    if any(claim.finding in kinds.tip for claim in claims):
        claims = _ending_at_tips(claims, kinds)
    return tuple(claims) if len(claims) <= 1 else tuple(_distinct(claims))


def _ending_at_tips(claims: Sequence[Claim], kinds: Kinds) -> list[Claim]:
    """Let a device that has no region of its own be where its tip is."""
    result = []
    for claim, follower in zip(claims, [*claims[1:], None], strict=True):
        if (
            follower is not None
            and follower.finding in kinds.tip
            and claim.finding in kinds.tipped
            and _NO_REGION.issuperset(claim.regions)
            and not (claim.finding in kinds.leaded and claim.place)
        ):
            own = [region for region in claim.regions if region != UNSPECIFIED]
            ends = follower.regions
            if own:  # "left line with its tip crossing to the right" is a left line
                ends = tuple(region for region in ends if region not in _NO_REGION)
            regions = tuple(dict.fromkeys((*own, *ends)))
            place = follower.place if claim.place is None else claim.place
            result.append(replace(claim, regions=regions, place=place))
        else:
            result.append(claim)
    return result


def _distinct(claims: Sequence[Claim]) -> list[Claim]:
    """Keep one claim per finding, start and region: the key of the table."""
    claims = sorted(claims, key=_order)
    if len({(claim.finding, claim.span[0]) for claim in claims}) == len(claims):
        return claims
    seen: set[tuple[str, int, str]] = set()
    result = []
    for claim in claims:
        keys = [(claim.finding, claim.span[0], region) for region in claim.regions]
        if seen.isdisjoint(keys):
            result.append(claim)
        elif not seen.issuperset(keys):
            regions = tuple(key[2] for key in keys if key not in seen)
            result.append(replace(claim, regions=regions))
        seen.update(keys)
    return result


def _order(claim: Claim) -> tuple[int, bool, int]:
    """Sort by words; of "normal to enlarged" the abnormal state comes first."""
    start, end = claim.span
    return start, claim.existence is Existence.ABSENT, end
