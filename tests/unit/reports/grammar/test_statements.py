"""Which structure a state is said of, and what it then claims."""

import pytest

from asg_core.reports.grammar.reader import read_claims
from asg_core.reports.lexicon.load import load_lexicon

HEART, MEDIASTINUM = ("cardiac silhouette",), ("mediastinum",)
BOTH_LUNGS = ("left lung", "right lung")
BOTH_HILA = ("left hilar structures", "right hilar structures")

NO_CARDIOMEGALY = ("cardiomegaly", "absent", HEART)
CARDIOMEGALY = ("cardiomegaly", "present", HEART)
NO_WIDE_MEDIASTINUM = ("enlarged cardiomediastinum", "absent", MEDIASTINUM)
CLEAR = ("opacity", "absent", BOTH_LUNGS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # each state has its own structure, before it or behind it
        ("Heart is normal, enlarged pulmonary vessels.", [NO_CARDIOMEGALY, ("engorgement", "present", BOTH_HILA)]),
        ("Normal heart size and normal mediastinal outline.", [NO_CARDIOMEGALY, NO_WIDE_MEDIASTINUM]),
        ("Heart size within normal limits, slight aortic ectasia.", [NO_CARDIOMEGALY, ("dilation", "present", ("aortic arch",))]),
        ("Normal heart, widened mediastinum, clear lungs.", [NO_CARDIOMEGALY, ("enlarged cardiomediastinum", "present", MEDIASTINUM), CLEAR]),
        ("Heart size at the upper limit of normal with clear lungs.", [NO_CARDIOMEGALY, CLEAR]),
        ("Normal heart, normal mediastinum, clear lungs.", [NO_CARDIOMEGALY, NO_WIDE_MEDIASTINUM, CLEAR]),
        # an adjective and "of" tie a state to what follows, a verb or a comma does not
        ("The lateral view of the heart shows enlargement of the entire mediastinum.", [("enlarged cardiomediastinum", "present", MEDIASTINUM)]),
        ("The heart is, as before, enlarged to the left.", [CARDIOMEGALY]),
        # what is the adjective of a finding is no subject of a state
        ("Right basilar atelectasis, left base is clear.", [("atelectasis", "present", ("right lower lung zone",)), ("opacity", "absent", ("left lower lung zone",))]),
        ("Left apical scar, right apex clear.", [("scar", "present", ("left apical zone",)), ("opacity", "absent", ("right apical zone",))]),
        ("Normal heart size, mediastinal calcifications.", [NO_CARDIOMEGALY, ("calcification", "present", MEDIASTINUM)]),
        # states that claim nothing of these structures
        ("Enlarged left ventricle.", []),
        ("Prominent left hilum.", []),
        # cues turn a state as they turn a finding
        ("Evaluate whether the heart is enlarged.", []),
        ("The heart may be enlarged.", [("cardiomegaly", "uncertain", HEART)]),
        ("No enlargement of the heart.", [NO_CARDIOMEGALY]),
    ],
)  # fmt: skip
def test_what_the_states_of_a_sentence_claim(
    text: str, expected: list[tuple[str, str, tuple[str, ...]]]
) -> None:
    claims = read_claims(load_lexicon(), text, max_scope=40)

    rows = [(claim.finding, claim.existence.value, claim.regions) for claim in claims]
    assert sorted(rows) == sorted(expected)


@pytest.mark.parametrize(
    ("text", "existence", "context"),
    [
        ("The heart is again enlarged.", "present", "comparison"),
        ("The heart is no longer enlarged.", "absent", "removal"),
        ("History of enlarged heart.", "present", "history"),
        ("The heart is enlarged.", "present", "current"),
    ],
)
def test_the_context_of_a_state_is_that_of_its_cues(
    text: str, existence: str, context: str
) -> None:
    (claim,) = read_claims(load_lexicon(), text, max_scope=40)

    assert claim.finding == "cardiomegaly"
    assert (claim.existence.value, claim.context.value) == (existence, context)


@pytest.mark.parametrize(
    "text",
    [
        "The heart is enlarged as is the mediastinum.",
        "The heart is enlarged, mediastinum too.",
        "The heart is enlarged and the mediastinum as well.",
    ],
)
def test_a_second_structure_takes_no_state_away(text: str) -> None:
    claims = read_claims(load_lexicon(), text, max_scope=40)

    rows = [(claim.finding, claim.existence.value, claim.regions) for claim in claims]
    assert CARDIOMEGALY in rows


def test_a_structure_is_looked_for_only_so_far() -> None:
    behind = "Enlargement of the overall heart size."  # three words in between
    before = "The heart size on two views is enlarged."  # four words

    for text, distance in ((behind, 3), (before, 4)):
        assert not read_claims(load_lexicon(), text, max_scope=distance - 1)
        (claim,) = read_claims(load_lexicon(), text, max_scope=distance)
        assert claim.finding == "cardiomegaly"


def test_a_state_and_a_finding_can_be_alternatives() -> None:
    claims = read_claims(
        load_lexicon(), "Widening of the upper mediastinum or a mass.", max_scope=40
    )

    widened = [claim for claim in claims if claim.finding != "mass"]
    assert [(claim.finding, claim.existence.value) for claim in widened] == [
        ("enlarged cardiomediastinum", "uncertain")
    ]
