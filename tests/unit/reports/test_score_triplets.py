import polars as pl
import pytest

from asg_core.reports.score import score_triplets
from asg_core.tables.catalog import SENTENCES, STAGE_METRICS, TRIPLETS
from asg_core.tables.schema import TableError


def triplets(*rows: tuple[str, str, str, str, int, int]) -> pl.DataFrame:
    return TRIPLETS.frame(
        {
            "study_id": study_id,
            "sentence_index": 0,
            "region": region,
            "finding": finding,
            "existence": existence,
            "context": "current",
            "finding_start": start,
            "finding_end": end,
            "parser": "test",
        }
        for study_id, finding, region, existence, start, end in rows
    )


def sentences(*rows: tuple[str, int, str]) -> pl.DataFrame:
    return SENTENCES.frame(
        {
            "study_id": study_id,
            "sentence_index": index,
            "section": "findings",
            "start": start,
            "end": start + len(text),
            "text": text,
        }
        for index, (study_id, start, text) in enumerate(rows)
    )


def scores(
    predicted: pl.DataFrame,
    truth: pl.DataFrame,
    *,
    ours: pl.DataFrame | None = None,
    theirs: pl.DataFrame | None = None,
) -> dict[tuple[str, str], tuple[object, int]]:
    frame = score_triplets(
        predicted_triplets=predicted,
        truth_triplets=truth,
        predicted_sentences=sentences() if ours is None else ours,
        truth_sentences=sentences() if theirs is None else theirs,
        num_reports=4,
    )
    STAGE_METRICS.check(frame, where="test")
    return {
        (row["metric"], row["target"]): (row["value"], row["num_items"])
        for row in frame.iter_rows(named=True)
    }


TRUTH = triplets(
    ("a", "mass", "left lung", "present", 10, 14),
    ("a", "mass", "right lung", "present", 10, 14),
    ("a", "edema", "left lung", "absent", 20, 25),
    ("b", "scar", "left apical zone", "uncertain", 0, 4),
)


def test_the_truth_scores_one() -> None:
    actual = scores(TRUTH, TRUTH)

    for element in ("finding", "region", "existence", "joint"):
        for metric in ("precision", "recall", "f1"):
            assert actual[f"{element}_{metric}", "all"][0] == 1.0
    assert actual["finding_precision", "all"] == (1.0, 3)
    assert actual["region_recall", "all"] == (1.0, 4)
    assert actual["joint_recall", "mass"] == (1.0, 2)
    assert actual["triplets_per_report", "all"] == (1.0, 4)


def test_scores_by_hand() -> None:
    predicted = triplets(
        ("a", "mass", "left lung", "absent", 8, 12),  # overlaps; one region; wrong
        ("a", "edema", "left lung", "absent", 30, 35),  # other words
        ("b", "scar", "left lung", "uncertain", 0, 4),  # wrong region
        ("c", "mass", "left lung", "present", 10, 14),  # another study
    )

    actual = scores(predicted, TRUTH)

    # Mentions: 2 of 4 predicted match, 2 of 3 of the truth are matched.
    assert actual["finding_precision", "all"] == (0.5, 4)
    assert actual["finding_recall", "all"] == (pytest.approx(2 / 3), 3)
    assert actual["finding_f1", "all"] == (pytest.approx(4 / 7), 3)
    # Matched mentions have 2 predicted regions, 1 right; 3 of the truth, 1 found.
    assert actual["region_precision", "all"] == (0.5, 2)
    assert actual["region_recall", "all"] == (pytest.approx(1 / 3), 3)
    # Of 2 matched mentions one has the right existence.
    assert actual["existence_precision", "all"] == (0.5, 2)
    # No row has both right; 4 predicted, 4 of the truth.
    assert actual["joint_precision", "all"] == (0.0, 4)
    assert actual["joint_f1", "all"] == (0.0, 4)
    assert actual["finding_precision", "mass"] == (0.5, 2)


def test_what_is_undefined_is_null() -> None:
    actual = scores(triplets(), TRUTH)

    assert actual["triplets_per_report", "all"] == (0.0, 4)
    assert actual["finding_precision", "all"] == (None, 0)
    assert actual["finding_recall", "all"] == (0.0, 3)
    assert actual["finding_f1", "all"] == (None, 3)
    assert actual["region_f1", "all"] == (None, 0)
    assert actual["finding_recall", "hernia"] == (None, 0)


def test_words_that_only_touch_do_not_match() -> None:
    truth = triplets(("a", "mass", "left lung", "present", 10, 14))
    touching = triplets(("a", "mass", "left lung", "present", 14, 18))

    for ours, theirs in ((touching, truth), (truth, touching)):
        actual = scores(ours, theirs)
        assert actual["finding_precision", "all"] == (0.0, 1)
        assert actual["finding_recall", "all"] == (0.0, 1)


def test_sentences_match_by_their_first_and_last_word() -> None:
    ours = sentences(("a", 2, "No mass."), ("a", 11, "Edema"), ("b", 0, "Scar."))
    theirs = sentences(("a", 0, "1. No mass"), ("a", 11, "Edema."), ("b", 0, "Scar. X"))

    actual = scores(triplets(), triplets(), ours=ours, theirs=theirs)

    # "1. No mass" starts with the number, so only "Edema" is the same.
    assert actual["sentence_precision", "all"] == (pytest.approx(1 / 3), 3)
    assert actual["sentence_recall", "all"] == (pytest.approx(1 / 3), 3)


def test_marks_at_the_edges_of_a_sentence_do_not_matter() -> None:
    ours = sentences(("a", 0, "- (No mass)"), ("b", 0, "Scar!"))
    theirs = sentences(("a", 3, "No mass."), ("b", 0, "Scar?"))

    actual = scores(triplets(), triplets(), ours=ours, theirs=theirs)

    assert actual["sentence_f1", "all"] == (1.0, 2)


def test_no_reports_have_no_share_of_triplets() -> None:
    frame = score_triplets(
        predicted_triplets=triplets(),
        truth_triplets=triplets(),
        predicted_sentences=sentences(),
        truth_sentences=sentences(),
        num_reports=0,
    )

    share = frame.filter(pl.col("metric") == "triplets_per_report")
    assert share["value"].to_list() == [None]


def test_another_table_is_refused() -> None:
    with pytest.raises(TableError, match=r"score_triplets\(truth_triplets\)"):
        score_triplets(
            predicted_triplets=triplets(),
            truth_triplets=sentences(),
            predicted_sentences=sentences(),
            truth_sentences=sentences(),
            num_reports=0,
        )
