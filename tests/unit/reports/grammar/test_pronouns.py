"""Words that stand for a finding, and words that look like them and do not."""

import polars as pl
import pytest

from asg_core.reports.parse import parse_reports


def read(text: str) -> set[tuple[str, str, str]]:
    """Existence, finding and region of each claim of a report."""
    triplets = parse_reports(pl.DataFrame({"study_id": ["s"], "text": [text]})).triplets
    columns = pl.col("existence", "finding", "region").cast(pl.String)
    return set(triplets.select(columns).rows())


def effusion(**sides: str) -> set[tuple[str, str, str]]:
    """One effusion on each side, and whether it is there."""
    return {
        (existence, "pleural effusion", f"{side} costophrenic angle")
        for side, existence in sides.items()
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # in the same sentence
        ("There is no effusion on the right; on the left there is a moderate one.", effusion(left="present", right="absent")),
        ("A left effusion is seen, but none on the right.", effusion(left="present", right="absent")),
        ("Left effusion, and another on the right.", effusion(left="present", right="present")),
        ("Where there was a left effusion there is now none.", effusion(left="absent")),
        ("Effusions: the left has resolved, the right has not.", effusion(left="absent", right="present")),
        ("The left effusion has increased, the right is unchanged.", effusion(left="present", right="present")),
        ("Left effusion is small and the right is moderate.", effusion(left="present", right="present")),
        ("The effusion on the left has cleared; that on the right persists.", effusion(left="absent", right="present")),
        ("Left effusion that in retrospect was there.", effusion(left="present")),
        # of the sentence before
        ("There is a left effusion. There is none on the right.", effusion(left="present", right="absent")),
        ("Large left effusion. None is seen on the right.", effusion(left="present", right="absent")),
        ("No effusion on the left. There is a small one on the right.", effusion(left="absent", right="present")),
        ("The left effusion has resolved. The right has not.", effusion(left="absent", right="present")),
        ("Left effusion. The right one has resolved.", effusion(left="present", right="absent")),
        ("Left effusion. A second is on the right.", effusion(left="present", right="present")),
        # no pronouns, or with nothing to stand for
        ("Left effusion. One view was obtained.", effusion(left="present")),
        ("Left effusion. The right is clear.", effusion(left="present")),
        ("Left effusion. The heart is normal. None on the right.", {*effusion(left="present"), ("absent", "cardiomegaly", "cardiac silhouette")}),
        ("No effusion on the left, the other hand is raised.", effusion(left="absent")),
        ("There is a left effusion; one is unable to say more.", effusion(left="present")),
        ("Left effusion. No other is seen.", effusion(left="present")),
        ("Left effusion. The second rib is intact.", {*effusion(left="present"), ("absent", "fracture", "left ribs"), ("absent", "fracture", "right ribs")}),
        ("The right has not.", set()),
        ("There is none on the right.", set()),
        ("Left effusion; the tip is on the right.", {*effusion(left="present"), ("present", "tip", "right unspecified")}),
        ("None of the ribs is fractured.", {("absent", "fracture", "left ribs"), ("absent", "fracture", "right ribs")}),
    ],
)  # fmt: skip
def test_a_pronoun_is_the_finding_before_it(
    text: str, expected: set[tuple[str, str, str]]
) -> None:
    assert read(text) == expected


def test_each_of_two_has_its_place() -> None:
    found = read(
        "Two nodules are seen. One is in the right apex, the other in the lingula."
    )

    assert found >= {
        ("present", "nodule", "right apical zone"),
        ("present", "nodule", "left mid lung zone"),
    }


def test_a_denial_by_a_pronoun_is_its_own_cue() -> None:
    text = "Left effusion. There is none on the right."

    triplets = parse_reports(pl.DataFrame({"study_id": ["s"], "text": [text]})).triplets

    (row,) = triplets.filter(pl.col("existence") == "absent").iter_rows(named=True)
    assert text[row["finding_start"] : row["finding_end"]] == "none"
    assert text[row["cue_start"] : row["cue_end"]] == "none"
    assert text[row["place_start"] : row["place_end"]] == "right"


def test_another_section_lends_no_finding() -> None:
    found = read("FINDINGS: Left effusion.\n\nIMPRESSION: None on the right.")

    assert found == effusion(left="present")
