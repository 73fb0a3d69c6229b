import polars as pl
import pytest

from asg_core.reports.parse import parse_reports


def read(text: str) -> list[tuple[str, str, str]]:
    parsed = parse_reports(pl.DataFrame({"study_id": ["s"], "text": [text]}))
    columns = ["finding", "region", "existence"]
    rows = parsed.triplets.sort("sentence_index", "finding_start", "region")
    return [tuple(row) for row in rows.select(pl.col(columns).cast(pl.String)).rows()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("LEFT LUNG: Clear.", [("opacity", "left lung", "absent")]),
        ("RIGHT UPPER LOBE: Mass.", [("mass", "right upper lung zone", "present")]),
        ("1. LEFT LUNG: Clear.", [("opacity", "left lung", "absent")]),
        ("RIGHT LUNG FINDINGS: Nodule.", [("nodule", "right lung", "present")]),
        ("R LUNG: Nodule.", [("nodule", "right lung", "present")]),
        ("LEFT LUNG: Lower lobe consolidation.", [("consolidation", "left lower lung zone", "present")]),
        ("Right lung: basal atelectasis.", [("atelectasis", "right lower lung zone", "present")]),
        ("LEFT PLEURAL SPACE: Large effusion, no pneumothorax.", [("pleural effusion", "left costophrenic angle", "present"), ("pneumothorax", "left apical zone", "absent")]),
        ("RIGHT LUNG: Clear. No effusion.", [("opacity", "right lung", "absent"), ("pleural effusion", "right costophrenic angle", "absent")]),
        ("Left lung: clear. Small nodule in the upper lobe. Basal scar.", [("opacity", "left lung", "absent"), ("nodule", "left upper lung zone", "present"), ("scar", "left lower lung zone", "present")]),
        ("Right:\nSmall effusion. No pneumothorax.", [("pleural effusion", "right costophrenic angle", "present"), ("pneumothorax", "right apical zone", "absent")]),
    ],
)  # fmt: skip
def test_a_heading_lends_its_side(
    text: str, expected: list[tuple[str, str, str]]
) -> None:
    assert read(text) == expected
    assert read(f"FINDINGS:\n{text}") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # a side of its own, both sides, the midline
        ("LEFT LUNG: Small. Right effusion.", [("pleural effusion", "right costophrenic angle", "present")]),
        ("LEFT LUNG: Small. Bilateral effusions.", [("pleural effusion", "right costophrenic angle", "present"), ("pleural effusion", "left costophrenic angle", "present")]),
        ("LEFT LUNG: Small. Heart is enlarged.", [("cardiomegaly", "cardiac silhouette", "present")]),
        # the next line, and another heading on the same one
        ("LEFT LUNG: Small.\nMass.", [("mass", "unspecified", "present")]),
        ("LEFT LUNG: Small. PLEURA: No effusion.", [("pleural effusion", "right costophrenic angle", "absent"), ("pleural effusion", "left costophrenic angle", "absent")]),
        # no heading of a place
        ("Left effusion: stable. No pneumothorax.", [("pleural effusion", "left costophrenic angle", "present"), ("pneumothorax", "right apical zone", "absent"), ("pneumothorax", "left apical zone", "absent")]),
        ("LEFT AND RIGHT LUNG: Small. Mass.", [("mass", "unspecified", "present")]),
    ],
)  # fmt: skip
def test_what_a_heading_leaves_alone(
    text: str, expected: list[tuple[str, str, str]]
) -> None:
    assert read(text) == expected
