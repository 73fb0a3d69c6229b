"""Words that mean what they say, and near ones that mean something else."""

import polars as pl
import pytest

from asg_core.reports.parse import parse_reports

BOTH_BASES = ("left lower lung zone", "right lower lung zone")
BOTH_ANGLES = ("left costophrenic angle", "right costophrenic angle")
HEART = ("cardiac silhouette",)


def read(text: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """Finding, existence and regions of each claim, in the order of the words."""
    triplets = parse_reports(pl.DataFrame({"study_id": ["s"], "text": [text]})).triplets
    rows: dict[tuple[int, str, str], set[str]] = {}
    for row in triplets.iter_rows(named=True):
        key = (row["finding_start"], row["finding"], row["existence"])
        rows.setdefault(key, set()).add(row["region"])
    return [
        (finding, existence, tuple(sorted(regions)))
        for (_, finding, existence), regions in sorted(rows.items())
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # British and Australian
        ("Patchy shadowing in the right mid zone.", [("opacity", "present", ("right mid lung zone",))]),
        ("Round shadow at the left apex.", [("opacity", "present", ("left apical zone",))]),
        ("Nodular shadowing in both lower zones.", [("nodule", "present", BOTH_BASES), ("opacity", "present", BOTH_BASES)]),
        ("Tumour at the right hilum.", [("mass", "present", ("right hilar structures",))]),
        ("Infective changes in the lingula.", [("pneumonia", "present", ("left mid lung zone",))]),
        ("No features of chest infection.", [("pneumonia", "absent", ("left lung", "right lung"))]),
        ("Right intercostal drain in situ.", [("drainage", "present", ("right costophrenic angle",))]),
        ("Upper lobe blood diversion.", [("engorgement", "present", ("left hilar structures", "right hilar structures"))]),
        ("Gas trapping.", [("hyperinflate", "present", ("left lung", "right lung"))]),
        ("Metalwork in the left clavicle.", [("hardware", "present", ("left clavicle",))]),
        ("The lungfields are clear.", [("opacity", "absent", ("left lung", "right lung"))]),
        ("CTR is increased.", [("cardiomegaly", "present", HEART)]),
        ("CTR 0.56.", [("cardiomegaly", "present", HEART)]),
        ("Cardiothoracic ratio is 58 %.", [("cardiomegaly", "present", HEART)]),
        ("CTR is within normal limits.", [("cardiomegaly", "absent", HEART)]),
        ("The heart size is not increased.", [("cardiomegaly", "absent", HEART)]),
        ("Cardiac outline is enlarged.", [("cardiomegaly", "present", HEART)]),
        # short forms of teleradiology
        ("LLZ consolidation.", [("consolidation", "present", ("left lower lung zone",))]),
        ("RMZ mass.", [("mass", "present", ("right mid lung zone",))]),
        ("Small L eff.", [("pleural effusion", "present", ("left costophrenic angle",))]),
        ("Bil effs.", [("pleural effusion", "present", BOTH_ANGLES)]),
        ("RLL PNA.", [("pneumonia", "present", ("right lower lung zone",))]),
        ("GGO in RUL.", [("opacity", "present", ("right upper lung zone",))]),
        ("Blunted CPAs.", [("blunt", "present", BOTH_ANGLES)]),
        ("Trach 4 cm above the carina.", [("tube", "present", ("carina",))]),
        ("Bibasalar atelectasis.", [("atelectasis", "present", BOTH_BASES)]),
        ("Left apical capping.", [("pleural thicken", "present", ("left apical zone",))]),
        ("Biapical caps.", [("pleural thicken", "present", ("left apical zone", "right apical zone"))]),
        # broken metal, pulled lines, ratios that are normal: no finding of the chest
        ("The screw is fractured.", [("hardware", "present", ("unspecified",))]),
        ("Fracture of the lateral screw.", []),
        ("Retraction of the line by 2 cm.", []),
        ("CTR 0.48.", []),
        ("CTR 0.5.", []),
        ("Normal heart shadow.", [("cardiomegaly", "absent", HEART)]),
        ("Nipple shadows and breast shadows.", []),
        ("Normal soft tissue shadows.", []),
        ("Known brain tumour.", []),
        ("Chest clear.", []),
    ],
)  # fmt: skip
def test_words(text: str, expected: list[tuple[str, str, tuple[str, ...]]]) -> None:
    assert read(text) == expected
