"""Which place a sentence takes over from the one before it."""

import pytest

from asg_core.reports.grammar.anaphora import chosen, linked
from asg_core.reports.grammar.claims import Claim
from asg_core.reports.grammar.reader import read_claims
from asg_core.reports.lexicon.load import load_lexicon

LEXICON = load_lexicon()


def read(*sections: str) -> list[list[tuple[str, tuple[str, ...]]]]:
    """Findings and regions of each sentence; "|" ends a sentence of a section."""
    spans, claims, start = [], [], 0
    for section in sections:
        here = []
        for sentence in section.split("|"):
            here.append((start, start + len(sentence)))
            claims.append(read_claims(LEXICON, sentence.strip(), max_scope=40))
            start += len(sentence) + 1
        spans.append(here)
    found = linked(spans, claims, rules=LEXICON.place_rules)
    return [[(claim.finding, claim.regions) for claim in each] for each in found]


LEFT_BASE, RIGHT_APEX = ("left lower lung zone",), ("right apical zone",)
NOWHERE = ("unspecified",)


@pytest.mark.parametrize(
    ("sentences", "expected"),
    [
        # the last place that the sentence before claims something of
        ("Scar in the right apex and an opacity in the left base.| This may be atelectasis.", LEFT_BASE),
        ("Opacity in the left base, no effusion in the right angle.| This may be atelectasis.", LEFT_BASE),
        ("Opacity in the left base, no effusion, but edema is possible.| This may be atelectasis.", LEFT_BASE),
        ("Possible opacity in the left base.| This may be atelectasis.", LEFT_BASE),
        ("No opacity in the left base.| This may be atelectasis.", NOWHERE),
        # only of the sentence right before
        ("Opacity in the left base.| The heart is normal.| This may be atelectasis.", NOWHERE),
        ("Opacity in the left base.| This may be a mass.| It may be atelectasis.", LEFT_BASE),
        # a place of its own comes first, and so does the start of the sentence
        ("Opacity in the left base.| This may be atelectasis in the right apex.", RIGHT_APEX),
        ("Opacity in the left base.| There may be atelectasis.", NOWHERE),
        ("Opacity in the left base.| Possible atelectasis as this is supine.", NOWHERE),
    ],
)  # fmt: skip
def test_this_means_the_place_before(sentences: str, expected: tuple[str, ...]) -> None:
    assert read(sentences)[-1] == [("atelectasis", expected)]


def test_no_place_is_taken_from_another_section() -> None:
    found = read("Opacity in the left base.", "This may be atelectasis.")

    assert found[-1] == [("atelectasis", NOWHERE)]


def test_what_can_be_anywhere_takes_any_place() -> None:
    found = read("Nodule in the left base.| This may be calcification.")

    assert found[-1] == [("calcification", LEFT_BASE)]


def test_only_the_claims_without_a_place_take_one() -> None:
    found = read(
        "Opacity in the left base.| This is atelectasis, with a scar at the right apex."
    )

    assert found[-1] == [("atelectasis", LEFT_BASE), ("scar", RIGHT_APEX)]


def claims(text: str) -> tuple[Claim, ...]:
    return read_claims(LEXICON, text, max_scope=40)


def test_only_the_past_is_left_out() -> None:
    read_all = (
        *claims("History of pneumonia."),
        *claims("The chest tube has been removed."),
        *claims("Unchanged effusion."),
        *claims("No mass."),
    )

    kept = chosen(read_all, has_history=False)

    assert [claim.finding for claim in kept] == ["tube", "pleural effusion", "mass"]
    assert chosen(read_all, has_history=True) == read_all
