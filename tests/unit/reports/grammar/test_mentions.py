"""Which place words belong to which of the findings of a sentence."""

import pytest

from asg_core.reports.grammar.reader import read_claims
from asg_core.reports.lexicon.load import load_lexicon

LEFT_BASE, RIGHT_BASE = "left lower lung zone", "right lower lung zone"
LEFT_LUNG, RIGHT_LUNG = "left lung", "right lung"
LEFT_APEX, RIGHT_APEX = "left apical zone", "right apical zone"
LEFT, RIGHT = "left unspecified", "right unspecified"


def places(text: str, finding: str) -> set[str]:
    claims = read_claims(load_lexicon(), text, max_scope=40)
    return {region for c in claims if c.finding == finding for region in c.regions}


@pytest.mark.parametrize(
    ("text", "finding", "expected"),
    [
        # what is put in is not where the disease is
        ("Opacity in the left base; sternotomy wires are seen.", "wire", {"mediastinum"}),
        ("Right basilar atelectasis and sternotomy wires.", "wire", {"mediastinum"}),
        ("Left upper lobe nodule, pacemaker in place.", "pacemaker", {"unspecified"}),
        ("There is scarring at the right apex, and a pacemaker is seen.", "pacemaker", {"unspecified"}),
        ("Left basilar consolidation with a feeding tube.", "tube", {"abdomen"}),
        # nor where another device is that a verb parts from it
        ("The right line is obscured by the pacemaker.", "pacemaker", {"unspecified"}),
        ("A left port is present and a PICC is seen.", "line", {LEFT, "unspecified"}),
        # what is listed with a device shares its side
        ("Left pacemaker and leads are unchanged.", "pacemaker", {LEFT}),
        ("Right jugular and left subclavian lines.", "line", {LEFT, RIGHT}),
        # a side of its own is its own
        ("Right effusion, left chest port.", "line", {LEFT}),
        ("Opacity in the left base and a right port.", "line", {RIGHT}),
        # diseases go on sharing
        ("Left basilar opacity, likely atelectasis.", "atelectasis", {LEFT_BASE}),
        ("Opacity in the left base (atelectasis).", "atelectasis", {LEFT_BASE}),
    ],
)  # fmt: skip
def test_where_what_was_put_in_is(text: str, finding: str, expected: set[str]) -> None:
    assert places(text, finding) == expected


@pytest.mark.parametrize(
    ("text", "finding", "expected"),
    [
        # the side of a device is where it comes from, not where its tip goes
        ("Left subclavian line with tip crossing to the right.", "line", {LEFT}),
        ("Right jugular catheter tip in the left brachiocephalic vein.", "line", {RIGHT, "svc"}),
        ("Left PICC with its tip at the right atrium.", "line", {LEFT, "right atrium"}),
        ("Right PICC with its tip on the left.", "line", {RIGHT}),
        ("Left port, its tip is to the right.", "line", {LEFT}),
        # without one of its own it is on the side of the tip
        ("PICC tip on the right.", "line", {RIGHT}),
        ("Line with its tip in the SVC.", "line", {"svc"}),
        # another device is not that of the tip before it
        ("PICC with the tip at the cavoatrial junction, left chest port.", "tip", {"cavoatrial junction"}),
        ("Right PICC with tip in the SVC, left port.", "line", {LEFT, RIGHT, "svc"}),
        ("Tip of the left line is in the SVC.", "tip", {"svc"}),
        ("The tip of the right PICC is in the right atrium.", "tip", {"right atrium"}),
    ],
)  # fmt: skip
def test_where_a_device_and_its_tip_are(
    text: str, finding: str, expected: set[str]
) -> None:
    assert places(text, finding) == expected


@pytest.mark.parametrize(
    ("text", "finding", "expected"),
    [
        # a finding of both sides stays on both, wherever it is worst
        ("Bilateral opacities, most pronounced in the left upper lobe.", "opacity", {LEFT_LUNG, RIGHT_LUNG, "left upper lung zone"}),
        ("Diffuse bilateral opacities, greatest in the left base.", "opacity", {LEFT_LUNG, RIGHT_LUNG, LEFT_BASE}),
        ("Opacities in both lungs, worst at the right base.", "opacity", {LEFT_LUNG, RIGHT_LUNG, RIGHT_BASE}),
        ("Opacities throughout the lungs, particularly in the right upper lobe.", "opacity", {LEFT_LUNG, RIGHT_LUNG, "right upper lung zone"}),
        ("Opacity in the left lung, most pronounced in the upper lobe.", "opacity", {LEFT_LUNG, "left upper lung zone"}),
        ("Bilateral nodules, the largest in the right upper lobe.", "nodule", {LEFT_LUNG, RIGHT_LUNG, "right upper lung zone"}),
        ("Opacities bilaterally, more confluent in the left base.", "opacity", {LEFT_LUNG, RIGHT_LUNG, LEFT_BASE}),
        # a zone without a side is that of both
        ("Opacities bilaterally, most prominent in the bases.", "opacity", {LEFT_BASE, RIGHT_BASE}),
        ("Bilateral opacities, predominantly in the lower lobes.", "opacity", {LEFT_BASE, RIGHT_BASE}),
        # what is worse on one side is on the other too
        ("Edema, worse on the right.", "edema", {LEFT_LUNG, RIGHT_LUNG}),
        ("Atelectasis, more on the left.", "atelectasis", {LEFT_LUNG, RIGHT_LUNG}),
        ("Perihilar opacity, greater on the left.", "opacity", {"left hilar structures", "right hilar structures"}),
        # two times are compared, or another finding follows, or none is worse
        ("Opacity, worse in the left base than before.", "opacity", {LEFT_BASE}),
        ("Left basilar opacity, worse.", "opacity", {LEFT_BASE}),
        ("Opacities in both lungs, and more nodules in the right base.", "opacity", {LEFT_LUNG, RIGHT_LUNG}),
        ("Opacities in both lungs, mostly resolved, right effusion.", "opacity", {LEFT_LUNG, RIGHT_LUNG}),
        ("Bilateral opacities in the right lower lobe and left upper lobe.", "opacity", {RIGHT_BASE, "left upper lung zone"}),
    ],
)  # fmt: skip
def test_where_a_finding_is_that_is_worse_somewhere(
    text: str, finding: str, expected: set[str]
) -> None:
    assert places(text, finding) == expected


@pytest.mark.parametrize(
    ("text", "finding", "expected"),
    [
        # the side is said once, of the finding that another one comes with
        ("Right pneumothorax with collapse of the lower lobe.", "collapse", {RIGHT_BASE}),
        ("Left effusion with basilar atelectasis.", "atelectasis", {LEFT_BASE}),
        ("Left effusion with adjacent basilar atelectasis.", "atelectasis", {LEFT_BASE}),
        ("Left effusion with blunting of the costophrenic angle.", "blunt", {"left costophrenic angle"}),
        ("Right effusion blunting the costophrenic angle.", "blunt", {"right costophrenic angle"}),
        ("Effusion on the right with basilar opacity.", "opacity", {RIGHT_BASE}),
        ("Left rib fracture with apical pneumothorax.", "pneumothorax", {LEFT_APEX}),
        ("Left hilar mass associated with upper lobe atelectasis.", "atelectasis", {"left upper lung zone"}),
        ("Bilateral effusions with basilar atelectasis.", "atelectasis", {LEFT_BASE, RIGHT_BASE}),
        # or of the structure
        ("Elevated right hemidiaphragm with basilar opacity.", "opacity", {RIGHT_BASE}),
        ("Small left hemithorax with apical scarring.", "scar", {LEFT_APEX}),
        # not where both or another side is named, in a list, or where one is denied
        ("Left effusion with bibasilar atelectasis.", "atelectasis", {LEFT_BASE, RIGHT_BASE}),
        ("Left effusion with right basilar atelectasis.", "atelectasis", {RIGHT_BASE}),
        ("Left effusion with atelectasis at the bases.", "atelectasis", {LEFT_BASE, RIGHT_BASE}),
        ("Right apical scar, basilar atelectasis.", "atelectasis", {"unspecified"}),
        ("Left effusion without basilar consolidation.", "consolidation", {LEFT_BASE, RIGHT_BASE}),
        ("No left effusion with basilar atelectasis.", "atelectasis", {"unspecified"}),
    ],
)  # fmt: skip
def test_where_a_finding_is_that_comes_with_another(
    text: str, finding: str, expected: set[str]
) -> None:
    assert places(text, finding) == expected


@pytest.mark.parametrize(
    ("text", "finding", "expected"),
    [
        # a clause without a finding says where the one before it is
        ("An opacity is seen, probably in the left lower lobe.", "opacity", {LEFT_BASE}),
        ("Opacity on the lateral view, likely in the right lower lobe.", "opacity", {RIGHT_BASE}),
        ("There is a nodule, possibly within the lingula.", "nodule", {"left mid lung zone"}),
        ("Consolidation, most likely at the left base.", "consolidation", {LEFT_BASE}),
        ("Opacity is seen which projects over the left base.", "opacity", {LEFT_BASE}),
        ("Opacity is seen, which is in the right upper lobe.", "opacity", {"right upper lung zone"}),
        ("A nodule is seen, but only in the right upper lobe.", "nodule", {"right upper lung zone"}),
        ("Scarring is present, perhaps at the left apex.", "scar", {LEFT_APEX}),
        ("Effusion, which may be on the left.", "pleural effusion", {"left costophrenic angle"}),
        ("Mass noted, suspected in the right middle lobe.", "mass", {"right mid lung zone"}),
        # not where that is denied, where another finding follows, or a state
        ("There is a nodule, not in the lingula.", "nodule", {"unspecified"}),
        ("There is a nodule, but no change in the lingula.", "nodule", {"unspecified"}),
        ("A nodule is seen, with an opacity in the left base.", "nodule", {"unspecified"}),
        ("There is an opacity, but aeration in the left base is normal.", "opacity", {"unspecified"}),
        ("Left apical scar is seen, probably in both apices.", "scar", {LEFT_APEX}),
        ("No nodule is seen, possibly in the lingula.", "nodule", {LEFT_LUNG, RIGHT_LUNG}),
    ],
)  # fmt: skip
def test_where_a_finding_is_by_the_clause_behind_it(
    text: str, finding: str, expected: set[str]
) -> None:
    assert places(text, finding) == expected


@pytest.mark.parametrize(
    ("text", "finding", "expected"),
    [
        # the other side is of the later finding
        ("Left effusion, atelectasis on the right.", "pleural effusion", {"left costophrenic angle"}),
        ("Left effusion and atelectasis at the right base.", "pleural effusion", {"left costophrenic angle"}),
        ("Right pleural thickening, scarring on the left.", "pleural thicken", {"right costophrenic angle"}),
        ("Right pneumothorax, fracture of ribs on the left.", "pneumothorax", {RIGHT_APEX}),
        ("Left opacity, nodule in the right apex.", "opacity", {LEFT_LUNG}),
        # of the same one where no other stands between, or where nothing was said yet
        ("Left effusion greater than right.", "pleural effusion", {"left costophrenic angle", "right costophrenic angle"}),
        ("Bibasilar atelectasis and opacities, left more than right.", "atelectasis", {LEFT_BASE, RIGHT_BASE}),
        ("Opacity and atelectasis at the right base.", "opacity", {RIGHT_BASE}),
        # what the subject is compared with is not where a finding is
        ("The right hilum is larger than the left, with a nodule.", "nodule", {"right hilar structures"}),
        ("The left base is denser than the right with an opacity.", "opacity", {LEFT_BASE}),
        ("Right apex is less lucent than the left apex, with scarring.", "scar", {RIGHT_APEX}),
        # a heading of a side
        ("Right shoulder: Negative for fracture.", "fracture", {"right shoulder"}),
    ],
)  # fmt: skip
def test_where_a_finding_is_beside_another_side(
    text: str, finding: str, expected: set[str]
) -> None:
    assert places(text, finding) == expected


def test_a_heading_of_a_side_does_not_end_a_denial() -> None:
    claims = read_claims(
        load_lexicon(), "Right shoulder: Negative for fracture.", max_scope=40
    )
    assert [claim.existence.value for claim in claims] == ["absent"]
