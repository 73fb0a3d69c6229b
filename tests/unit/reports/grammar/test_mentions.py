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
