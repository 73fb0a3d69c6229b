"""What hand-written graphs mean in the package's vocabulary."""

import json
from pathlib import Path

import polars as pl
import pytest

from asg_core.reports.config import RadgraphConfig, ReportsConfig
from asg_core.reports.lexicon.load import load_lexicon
from asg_core.reports.lexicon.rules import ObservationRule
from asg_core.reports.parse import parse_reports
from asg_core.terms.existence import Existence
from support.graphs import V1, XL, document

PARTS = ("finding", "place", "cue")
# A structure of each zone that radgraph_rules.tsv names.
PLACES = {
    "angle": "costophrenic_angle",
    "apex": "apex",
    "diaphragm": "diaphragm",
    "fissure": "fissure",
    "heart": "heart",
    "heart_part": "left_ventricle",
    "lung": "lung",
    "mediastinum": "mediastinum",
    "pleura": "pleura",
    "ribs": "ribs",
    "spine": "spine",
    "trachea": "trachea",
    "vessels": "vasculature",
}
ALL_LUNGS = {"left lung", "right lung"}


def triplets(
    tmp_path: Path,
    text: str,
    entities: list[str],
    *,
    labels: dict[str, str] = V1,
    lexicon: Path | None = None,
) -> pl.DataFrame:
    """Parse one report whose graph is written by hand."""
    path = tmp_path / "graphs.json"
    path.write_text(json.dumps({"s1": document(text, entities, labels=labels)}))
    radgraph = RadgraphConfig(graphs=path)
    config = ReportsConfig(parser="radgraph", radgraph=radgraph, lexicon=lexicon)
    reports = pl.DataFrame({"study_id": ["s1"], "text": [text.replace(" .", ".")]})
    parsed = parse_reports(reports, config=config)
    assert not len(parsed.rejects)
    return parsed.triplets


def claims(frame: pl.DataFrame) -> set[tuple[str, str, str]]:
    return set(frame.select("finding", "region", "existence").rows())


CASES: list[tuple[str, list[str], set[tuple[str, str, str]]]] = [
    (
        "no pleural effusion .",
        ["pleural/a", "effusion/da located_at>pleural"],
        {
            ("pleural effusion", "left costophrenic angle", "absent"),
            ("pleural effusion", "right costophrenic angle", "absent"),
        },
    ),
    (
        "small left effusion .",
        ["small/dp modify>effusion", "left/a", "effusion/dp located_at>left"],
        {("pleural effusion", "left costophrenic angle", "present")},
    ),
    (
        "possible right effusion .",
        ["right/a", "effusion/u located_at>right"],
        {("pleural effusion", "right costophrenic angle", "uncertain")},
    ),
    (
        "opacity in the left lower lobe .",
        [
            "left/a modify>lobe",
            "lower/a modify>lobe",
            "lobe/a",
            "opacity/dp located_at>lobe",
        ],
        {("opacity", "left lower lung zone", "present")},
    ),
    (  # modifiers of modifiers
        "opacity in the left lower lobe .",
        [
            "left/a modify>lower",
            "lower/a modify>lobe",
            "lobe/a",
            "opacity/dp located_at>lobe",
        ],
        {("opacity", "left lower lung zone", "present")},
    ),
    (
        "the heart is enlarged .",
        ["heart/a", "enlarged/dp located_at>heart"],
        {("cardiomegaly", "cardiac silhouette", "present")},
    ),
    (
        "the heart is not enlarged .",
        ["heart/a", "enlarged/da located_at>heart"],
        {("cardiomegaly", "cardiac silhouette", "absent")},
    ),
    (
        "the heart is mildly enlarged .",
        ["heart/a", "mildly/dp modify>enlarged", "enlarged/dp located_at>heart"],
        {("cardiomegaly", "cardiac silhouette", "present")},
    ),
    (
        "heart size is normal .",
        ["heart/a", "size/a modify>heart", "normal/dp located_at>heart"],
        {("cardiomegaly", "cardiac silhouette", "absent")},
    ),
    (
        "the cardiac silhouette may be enlarged .",
        [
            "cardiac/a modify>silhouette",
            "silhouette/a",
            "enlarged/u located_at>silhouette",
        ],
        {("cardiomegaly", "cardiac silhouette", "uncertain")},
    ),
    (
        "the heart is large .",
        ["heart/a", "large/dp located_at>heart"],
        {("cardiomegaly", "cardiac silhouette", "present")},
    ),
    (
        "widened mediastinum .",
        ["widened/dp located_at>mediastinum", "mediastinum/a"],
        {("enlarged cardiomediastinum", "mediastinum", "present")},
    ),
    (
        "the lungs are clear .",
        ["lungs/a", "clear/dp located_at>lungs"],
        {("opacity", region, "absent") for region in ALL_LUNGS},
    ),
    ("the lungs are not clear .", ["lungs/a", "clear/da located_at>lungs"], set()),
    (
        "opacity in the right base suggesting pneumonia .",
        [
            "opacity/dp located_at>base suggestive_of>pneumonia",
            "right/a modify>base",
            "base/a",
            "pneumonia/u",
        ],
        {
            ("opacity", "right lower lung zone", "present"),
            ("pneumonia", "right lower lung zone", "uncertain"),
        },
    ),
    (  # the only edge is suggestive_of
        "opacity suggesting pneumonia .",
        ["opacity/dp suggestive_of>pneumonia", "pneumonia/u"],
        {
            ("opacity", "unspecified", "present"),
            ("pneumonia", "unspecified", "uncertain"),
        },
    ),
    (
        "no pneumothorax .",
        ["pneumothorax/da"],
        {
            ("pneumothorax", "left apical zone", "absent"),
            ("pneumothorax", "right apical zone", "absent"),
        },
    ),
    (
        "pulmonary edema .",
        ["pulmonary/a", "edema/dp located_at>pulmonary"],
        {("edema", region, "present") for region in ALL_LUNGS},
    ),
    (
        "fracture of the left rib .",
        ["fracture/dp located_at>rib", "left/a modify>rib", "rib/a"],
        {("fracture", "left ribs", "present")},
    ),
    (
        "atelectasis at the left and right bases .",
        [
            "atelectasis/dp located_at>bases",
            "left/a modify>bases",
            "right/a modify>bases",
            "bases/a",
        ],
        {
            ("atelectasis", "left lower lung zone", "present"),
            ("atelectasis", "right lower lung zone", "present"),
        },
    ),
    (
        "bibasilar atelectasis .",
        ["bibasilar/a modify>atelectasis", "atelectasis/dp"],
        {
            ("atelectasis", "left lower lung zone", "present"),
            ("atelectasis", "right lower lung zone", "present"),
        },
    ),
    (
        "fluid in the left pleural space .",
        [
            "fluid/dp located_at>space",
            "left/a modify>space",
            "pleural/a modify>space",
            "space/a",
        ],
        {("pleural effusion", "left costophrenic angle", "present")},
    ),
    (
        "air is seen in the right pleural space .",
        [
            "air/dp located_at>space",
            "right/a modify>space",
            "pleural/a modify>space",
            "space/a",
        ],
        {("pneumothorax", "right apical zone", "present")},
    ),
    (
        "the left pleura is thickened .",
        ["left/a modify>pleura", "pleura/a", "thickened/dp located_at>pleura"],
        {("pleural thicken", "left costophrenic angle", "present")},
    ),
    (
        "the trachea is displaced .",
        ["trachea/a", "displaced/dp located_at>trachea"],
        {("shift", "trachea", "present")},
    ),
    (
        "the diaphragm appears quite flattened .",
        ["diaphragm/a", "flattened/dp located_at>diaphragm"],
        {("hyperinflate", region, "present") for region in ALL_LUNGS},
    ),
    (
        "the thoracic spine shows rods .",
        ["thoracic/a modify>spine", "spine/a", "rods/dp located_at>spine"],
        {("hardware", "spine", "present")},
    ),
    (
        "endotracheal tube with tip above the carina .",
        [
            "endotracheal/dp modify>tube",
            "tube/dp",
            "tip/dp modify>tube located_at>carina",
            "carina/a",
        ],
        {("tube", "carina", "present"), ("tip", "carina", "present")},
    ),
    (  # a device without a region is where its tip is
        "the tip of the right catheter projects over the right atrium .",
        [
            "tip/dp located_at>atrium",
            "right/a",
            "catheter/dp located_at>right",
            "right#2/a modify>atrium",
            "atrium/a",
        ],
        {("tip", "right atrium", "present"), ("line", "right unspecified", "present")},
    ),
    (
        "right catheter with its tip in the right atrium .",
        [
            "right/a",
            "catheter/dp located_at>right",
            "tip/dp located_at>atrium",
            "right#2/a modify>atrium",
            "atrium/a",
        ],
        {
            ("line", "right unspecified", "present"),
            ("line", "right atrium", "present"),
            ("tip", "right atrium", "present"),
        },
    ),
    (
        "calcified nodule in the right upper lobe .",
        [
            "calcified/dp modify>nodule",
            "nodule/dp located_at>lobe",
            "right/a modify>lobe",
            "upper/a modify>lobe",
            "lobe/a",
        ],
        {
            ("calcification", "right upper lung zone", "present"),
            ("nodule", "right upper lung zone", "present"),
        },
    ),
    (  # an absent modifier does not deny what it modifies
        "left opacity , not focal .",
        ["left/a", "opacity/dp located_at>left", "focal/da modify>opacity"],
        {("opacity", "left lung", "present")},
    ),
    (
        "nodular consolidation in the left apex .",
        [
            "nodular/dp modify>consolidation",
            "consolidation/dp located_at>apex",
            "left/a modify>apex",
            "apex/a",
        ],
        {
            ("nodule", "left apical zone", "present"),
            ("consolidation", "left apical zone", "present"),
        },
    ),
    (
        "pulmonary markings are normal .",
        [
            "pulmonary/a",
            "markings/dp located_at>pulmonary",
            "normal/dp modify>markings",
        ],
        {("marking", region, "absent") for region in ALL_LUNGS},
    ),
    ("no acute process .", ["acute/da modify>process", "process/da"], set()),
    (  # removal is absent, whatever the graph says
        "the left chest tube has been removed .",
        ["left/a", "chest_tube/dp located_at>left"],
        {("tube", "left costophrenic angle", "absent")},
    ),
    ("evaluate for pneumonia .", ["pneumonia/u"], set()),
    (
        "no lobar collapse .",
        ["lobar/a", "collapse/da located_at>lobar"],
        {("collapse", region, "absent") for region in ALL_LUNGS},
    ),
    (  # what modifies another observation is no finding of its own
        "large mass in the mediastinum .",
        ["large/dp modify>mass", "mass/dp located_at>mediastinum", "mediastinum/a"],
        {("mass", "mediastinum", "present")},
    ),
    (  # anatomy and observation stand apart, and are one phrase
        "capping is seen in the left apical region .",
        ["capping/dp located_at>apical", "left/a modify>apical", "apical/a"],
        {("pleural thicken", "left apical zone", "present")},
    ),
    (  # several are one on each side
        "small pleural effusions .",
        [
            "small/dp modify>effusions",
            "pleural/a",
            "effusions/dp located_at>pleural",
        ],
        {
            ("pleural effusion", "left costophrenic angle", "present"),
            ("pleural effusion", "right costophrenic angle", "present"),
        },
    ),
    (  # a rule asks for all of its words: this is no loss of height
        "bone loss in the thoracic spine .",
        [
            "bone_loss/dp located_at>spine",
            "thoracic/a modify>spine",
            "spine/a",
        ],
        set(),
    ),
    (  # a doubt about what is normal finds nothing
        "the heart is probably normal .",
        ["heart/a", "normal/u located_at>heart"],
        {("cardiomegaly", "cardiac silhouette", "absent")},
    ),
    (  # a structure in front of the lung still says on which side it is
        "opacity over the left clavicle .",
        ["opacity/dp located_at>clavicle", "left/a modify>clavicle", "clavicle/a"],
        {("opacity", "left lung", "present")},
    ),
    (
        "fracture of the left hip .",
        ["fracture/dp located_at>hip", "left/a modify>hip", "hip/a"],
        set(),
    ),
]


@pytest.mark.parametrize("labels", [V1, XL], ids=["v1", "xl"])
@pytest.mark.parametrize(("text", "entities", "expected"), CASES)
def test_graphs_mean_claims(
    tmp_path: Path,
    labels: dict[str, str],
    text: str,
    entities: list[str],
    expected: set[tuple[str, str, str]],
) -> None:
    assert claims(triplets(tmp_path, text, entities, labels=labels)) == expected


def test_offsets_index_the_original(tmp_path: Path) -> None:
    text = "no change . opacity in the left base ."
    frame = triplets(
        tmp_path, text, ["opacity/dp located_at>base", "left/a modify>base", "base/a"]
    )

    original = text.replace(" .", ".")
    row = frame.row(0, named=True)
    assert original[row["finding_start"] : row["finding_end"]] == "opacity"
    assert original[row["place_start"] : row["place_end"]] == "left base"
    assert row["parser"] == "radgraph"
    assert row["sentence_index"] == 1


def test_entities_end_with_their_sentence(tmp_path: Path) -> None:
    text = "heart is normal . effusion at left base . no change ."
    entities = [
        "heart/a",
        "normal_._effusion/dp located_at>heart",
        "effusion/dp located_at>left_base_.",
        "left_base_./a",
    ]

    frame = triplets(tmp_path, text, entities)

    original = text.replace(" .", ".")
    read = [
        tuple(original[row[f"{part}_start"] : row[f"{part}_end"]] for part in PARTS)
        for row in frame.fill_null(0).rows(named=True)
    ]
    assert read == [("normal.", "heart", "normal."), ("effusion", "left base.", "")]


def test_place_may_stand_in_the_sentence_before(tmp_path: Path) -> None:
    text = "opacity in the left base . this may be atelectasis ."
    entities = [
        "opacity/dp located_at>base",
        "left/a modify>base",
        "base/a",
        "atelectasis/u located_at>base",
    ]

    frame = triplets(tmp_path, text, entities)

    assert ("atelectasis", "left lower lung zone", "uncertain") in claims(frame)


def test_comparison_is_the_context(tmp_path: Path) -> None:
    frame = triplets(
        tmp_path,
        "left effusion has increased .",
        ["left/a", "effusion/dp located_at>left"],
    )

    assert frame["context"].to_list() == ["comparison"]


def test_measurements_and_unknown_words_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    labels = XL | {"m": "Observation::measurement::definitely present"}
    with caplog.at_level("INFO"):
        frame = triplets(
            tmp_path,
            "gizmo of 3 cm .",
            ["gizmo/dp", "3_cm/m modify>gizmo"],
            labels=labels,
        )

    assert not len(frame)
    assert "1 observations without a finding" in caplog.text
    assert "1 measurements" in caplog.text
    assert "gizmo" not in caplog.text


@pytest.mark.parametrize(
    "rule",
    load_lexicon().observations,
    ids=lambda rule: f"{sorted(rule.words)} {rule.zone}",
)
def test_every_rule_makes_its_claim(tmp_path: Path, rule: ObservationRule) -> None:
    place = PLACES[rule.zone or "*"]
    *modifiers, head = sorted(rule.words)
    words = " thing ".join([*modifiers, head])
    text = f"the {place.replace('_', ' ')} shows {words} ."
    entities = [
        f"{place}/a",
        *(f"{word}/dp modify>{head}" for word in modifiers),
        f"{head}/dp located_at>{place}",
    ]

    found = claims(triplets(tmp_path, text, entities))

    existence = rule.existence or Existence.PRESENT
    assert (rule.finding, existence) in {(each[0], each[2]) for each in found}


def test_ones_own_rules_take_the_place_of_the_shipped_ones(tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.mkdir()
    header = "words\tzone\tfinding\texistence\treason\n"
    rule = "gizmo\tlung\tmass\tlabel\tour word\n"
    (words / "radgraph_rules.tsv").write_text(header + rule)
    report = "left lung gizmo .", ["left/a modify>lung", "lung/a"]
    report[1].append("gizmo/dp located_at>lung")

    assert not claims(triplets(tmp_path, *report))
    assert claims(triplets(tmp_path, *report, lexicon=words)) == {
        ("mass", "left lung", "present")
    }
