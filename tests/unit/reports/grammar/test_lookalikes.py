"""What a thing turns out to be is no finding, and what stands beside it stays one."""

import pytest

from asg_core.reports.grammar.reader import read_claims
from asg_core.reports.lexicon.load import load_lexicon


def read(text: str) -> list[str]:
    """Existence and finding of each claim."""
    claims = read_claims(load_lexicon(), text, max_scope=40)
    return [f"{claim.existence.value} {claim.finding}" for claim in claims]


@pytest.mark.parametrize(
    "text",
    [
        "What looks like a pneumothorax is a skin fold.",
        "The nodule is a nipple shadow.",
        "Apparent opacity is overlapping soft tissue.",
        "The left basal opacity is due to overlying breast tissue.",
        "Rounded density at the right base represents the nipple.",
        "Nodule in the right mid zone corresponds to a costochondral junction.",
        "The apparent nodule is a vessel seen end on.",
        "Right apical opacity is projectional.",
        "What appeared to be a mass is the azygos vein.",
        "The presumed pneumothorax turned out to be a fold of skin.",
        "Skin fold mimicking a pneumothorax on the right.",
        "The suspected effusion proves to be a fat pad.",
        "Left basal opacity reflects summation of shadows.",
        "The density at the left apex is caused by a braid.",
    ],
)
def test_what_only_looks_like_a_finding_is_none(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # said in doubt
        ("Round densities at the bases are probably nipple shadows.", ["uncertain opacity"]),
        ("The nodule may represent a nipple shadow.", ["uncertain nodule"]),
        ("The nodule may be due to overlying structures.", ["uncertain nodule"]),
        ("The opacity XXXX represents a nipple shadow.", ["uncertain opacity"]),
        ("The opacity is a scar or due to overlapping structures.", ["uncertain opacity", "uncertain scar"]),
        ("The opacity is due to an overlying rib lesion.", ["present opacity", "present lesion"]),
        # it is another finding
        ("What looks like a nodule is a healed fracture.", ["present fracture"]),
        ("The opacity is pneumonia.", ["present opacity", "present pneumonia"]),
        # what is beside it, behind it, over it
        ("Left effusion and nipple shadows.", ["present pleural effusion"]),
        ("Right pneumothorax with a skin fold over it.", ["present pneumothorax"]),
        ("A nodule is projected over the nipple.", ["present nodule"]),
        ("The mass is seen behind the breast shadow.", ["present mass"]),
        ("The nodule is not a nipple shadow.", ["present nodule"]),
        ("There is an effusion and the nodule is a nipple shadow.", ["present pleural effusion"]),
        ("An opacity in the left base is degraded by motion artifact.", ["present opacity"]),
        ("Normal pulmonary vasculature.", ["absent engorgement"]),
        ("Edema with superimposed pneumonia.", ["present edema", "present pneumonia"]),
        ("No pneumothorax; a skin fold is seen.", ["absent pneumothorax"]),
        # seen as it looks
        ("There is what looks like a nodule in the left base.", ["uncertain nodule"]),
    ],
)  # fmt: skip
def test_what_is_beside_a_look_alike_stays(text: str, expected: list[str]) -> None:
    assert read(text) == expected
