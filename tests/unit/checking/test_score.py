from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest

from asg_core.checking.marks import FilledSheet, read_filled_sheet
from asg_core.checking.score import (
    find_confusions,
    score_current,
    score_sheet,
    stage_metrics_of,
    wilson_interval,
)
from asg_core.tables.catalog import STAGE_METRICS, TRIPLETS
from support.marked_sheet import MARKS, marked, save, tables


def filled(folder: Path, marks: Mapping[int, Mapping[str, str]]) -> FilledSheet:
    return read_filled_sheet(save(marked(marks), folder / "filled.csv"))


def values(
    scores: pl.DataFrame, *, target: str = "all", column: str = "value"
) -> dict[str, float | None]:
    """Return "element metric" -> value."""
    rows = scores.filter(pl.col("target") == target)
    return {f"{r['element']} {r['metric']}": r[column] for r in rows.to_dicts()}


@pytest.mark.parametrize(
    ("right", "items"),
    [(0, 1), (1, 1), (3, 4), (0, 30), (30, 30), (17, 23), (951, 1000)],
)
def test_the_interval_is_that_of_wilson(right: int, items: int) -> None:
    expected = binomtest(right, items).proportion_ci(method="wilson")

    assert wilson_interval(right, items) == pytest.approx(
        (expected.low, expected.high), abs=1e-12
    )


def test_an_interval_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one item, found 0"):
        wilson_interval(0, 0)


def test_scores_of_a_sheet_counted_by_hand(tmp_path: Path) -> None:
    scores = score_sheet(filled(tmp_path, MARKS), seed=0)

    # Judged: the effusion and two edemas, one of a wrong region, and a mass that is no
    # claim. True: those three, and the heart that was missed.
    assert values(scores) == pytest.approx(
        {
            "finding precision": 3 / 4,
            "finding recall": 3 / 4,
            "finding f1": 3 / 4,
            "region precision": 2 / 4,
            "region recall": 2 / 4,
            "region f1": 2 / 4,
            "existence precision": 3 / 4,
            "existence recall": 3 / 4,
            "existence f1": 3 / 4,
            "joint precision": 2 / 4,
            "joint recall": 2 / 4,
            "joint f1": 2 / 4,
        }
    )
    assert set(values(scores, column="num_items").values()) == {4}


def test_the_corpus_is_estimated_with_the_weights(tmp_path: Path) -> None:
    scores = score_sheet(filled(tmp_path, MARKS), seed=0)

    # The report of the mass and of the heart stands for two.
    corpus = values(scores, column="corpus_value")
    assert corpus["finding precision"] == pytest.approx(3 / (3 + 2))
    assert corpus["joint recall"] == pytest.approx(2 / (3 + 2))
    assert corpus["joint f1"] == pytest.approx(2 / 5)
    num_effective = 5**2 / (1 + 1 + 1 + 4)
    low, high = wilson_interval(0.6 * num_effective, num_effective)
    assert values(scores, column="corpus_low")["finding precision"] == pytest.approx(
        low
    )
    assert values(scores, column="corpus_high")["finding precision"] == pytest.approx(
        high
    )


def test_equal_weights_give_the_corpus_the_values_of_the_sample(tmp_path: Path) -> None:
    rows = marked(MARKS)
    for row in rows:
        row["weight_100"] = "700"

    scores = score_sheet(read_filled_sheet(save(rows, tmp_path / "f.csv")), seed=0)

    for column, other in (
        ("value", "corpus_value"),
        ("ci_low", "corpus_low"),
        ("ci_high", "corpus_high"),
    ):
        assert scores[column].to_list() == pytest.approx(
            scores[other].to_list(), nan_ok=True
        )


def test_a_finding_has_precision_where_proposed_and_recall_where_true(
    tmp_path: Path,
) -> None:
    scores = score_sheet(filled(tmp_path, MARKS), seed=0)

    edema = values(scores, target="edema")
    assert (edema["finding precision"], edema["finding recall"]) == (1, 1)
    assert (edema["region precision"], edema["joint recall"]) == (0.5, 0.5)
    mass = values(scores, target="mass")
    assert (mass["finding precision"], mass["finding recall"]) == (0, None)
    assert mass["finding f1"] is None
    heart = values(scores, target="cardiomegaly")
    assert (heart["finding precision"], heart["finding recall"]) == (None, 0)
    assert values(scores, target="stent") == {}


def test_an_existence_is_a_target_too(tmp_path: Path) -> None:
    marks = MARKS | {7: {"verdict": "e", "true_existence": "present"}}

    scores = score_sheet(filled(tmp_path, marks), seed=0)

    assert values(scores, target="uncertain")["existence precision"] == 0
    present = values(scores, target="present")
    # The effusion of three present ones: the mass was called uncertain, the heart missed.
    assert present["existence recall"] == pytest.approx(1 / 3)
    assert present["existence precision"] == 1


def test_recall_is_over_reports_that_were_read_to_the_end(tmp_path: Path) -> None:
    marks = {number: cells for number, cells in MARKS.items() if number != 11}

    scores = score_sheet(filled(tmp_path, marks), seed=0)

    assert values(scores)["finding precision"] == 3 / 4
    assert values(scores)["finding recall"] == 1
    assert values(scores, column="num_items")["finding recall"] == 3
    assert values(scores)["finding f1"] == pytest.approx(2 * 0.75 / 1.75)


def test_of_a_wrong_finding_the_claim_is_missed_as_what_it_is(tmp_path: Path) -> None:
    marks = MARKS | {7: {"verdict": "f", "true_finding": "nodule"}}

    scores = score_sheet(filled(tmp_path, marks), seed=0)

    assert values(scores)["finding recall"] == 3 / 5
    assert values(scores)["existence recall"] == 4 / 5
    assert values(scores, target="nodule")["finding recall"] == 0
    assert values(scores, target="mass")["finding precision"] == 0


def test_an_unmarked_sheet_has_no_scores_and_no_crash(tmp_path: Path) -> None:
    sheet = filled(tmp_path, {})

    scores = score_sheet(sheet, seed=0)

    assert set(values(scores).values()) == {None}
    assert set(scores["num_items"]) == {0}
    assert find_confusions(sheet).is_empty()


def test_f1_has_the_interval_of_a_bootstrap_over_reports(tmp_path: Path) -> None:
    sheet = filled(tmp_path, MARKS)

    (row,) = (
        score_sheet(sheet, seed=0)
        .filter(element="finding", metric="f1", target="all")
        .to_dicts()
    )

    # Draws of two reports with claims: both s1 (1), both s2 (0 of 1), or one each (3/4).
    assert (row["ci_low"], row["ci_high"]) == (0, 1)
    assert score_sheet(sheet, seed=0).equals(score_sheet(sheet, seed=0))


def test_of_one_report_f1_has_no_interval(tmp_path: Path) -> None:
    marks = {number: cells for number, cells in MARKS.items() if number <= 6}

    scores = score_sheet(filled(tmp_path, marks), seed=0)

    f1 = scores.filter(element="finding", metric="f1", target="all")
    assert f1.select("value", "ci_low", "ci_high").rows() == [(1.0, None, None)]


def test_confusions_say_what_stands_for_what(tmp_path: Path) -> None:
    marks = MARKS | {
        1: {"verdict": "e"},
        3: {"verdict": "r", "true_region": "right lower lung zone"},
    }
    marks[2] = {"verdict": "fr", "true_finding": "opacity"}

    confusions = find_confusions(filled(tmp_path, marks))

    assert confusions.rows() == [
        ("existence", "present", "not said", 1),
        ("finding", "edema", "opacity", 1),
        ("finding", "mass", "no claim", 1),
        ("finding", "not proposed", "cardiomegaly", 1),
        ("region", "left lung", "right lower lung zone", 1),
        ("region", "right lung", "not said", 1),
    ]


def test_scores_are_metrics_of_their_stage(tmp_path: Path) -> None:
    metrics = stage_metrics_of(score_sheet(filled(tmp_path, MARKS), seed=0))

    STAGE_METRICS.check(metrics, where="test")
    (joint,) = metrics.filter(metric="joint_f1", target="all").to_dicts()
    assert (joint["stage"], joint["value"]) == ("score_triplet_sheet", 0.5)


def now(sheet: FilledSheet, triplets: list[dict[str, object]]) -> tuple[object, ...]:
    """Return precision, its items, recall and its items of a run's own triplets."""
    scores = score_current(sheet, TRIPLETS.frame(triplets), seed=0)
    rows = {row["metric"]: row for row in scores.iter_rows(named=True)}
    return tuple(
        rows[metric][column]
        for metric in ("precision", "recall")
        for column in ("value", "num_items")
    )


def test_the_triplets_of_the_sheet_score_what_the_sheet_does(tmp_path: Path) -> None:
    sheet = filled(tmp_path, MARKS)

    scores = score_current(sheet, tables()["triplets"], seed=0)

    joint = score_sheet(sheet, seed=0).filter(element="joint", target="all")
    same = ("metric", "value", "ci_low", "corpus_value", "corpus_low", "num_items")
    shares = pl.col("metric") != "f1"
    assert scores.filter(shares).select(same).equals(joint.filter(shares).select(same))


def test_a_better_parser_scores_better_on_the_same_marks(tmp_path: Path) -> None:
    effusion, right, left, mass = tables()["triplets"].to_dicts()
    right |= {"region": "right lower lung zone", "finding_start": 3, "finding_end": 8}
    heart = mass | {
        "finding": "cardiomegaly",
        "region": "cardiac silhouette",
        "existence": "present",
    }
    sheet = filled(tmp_path, MARKS)

    assert now(sheet, [effusion, right, left, heart]) == (1, 4, 1, 4)
    # Nothing is true in s3, which was read to the end.
    assert now(sheet, [effusion, mass | {"study_id": "s3"}]) == (0.5, 2, 0.25, 4)
    # The truth has one such triplet, so a second one is wrong.
    twice = [effusion, effusion | {"sentence_index": 1}]
    assert now(sheet, twice) == (0.5, 2, 0.25, 4)
    assert now(sheet, [effusion | {"study_id": "elsewhere"}]) == (None, 0, 0, 4)


def test_a_report_with_a_row_that_is_not_judged_says_nothing_of_other_triplets(
    tmp_path: Path,
) -> None:
    marks = {number: cells for number, cells in MARKS.items() if number != 1}

    assert now(filled(tmp_path, marks), tables()["triplets"].to_dicts()) == (0, 1, 0, 1)
    assert now(filled(tmp_path, {}), tables()["triplets"].to_dicts()) == (
        *(None, 0),
        *(None, 0),
    )


def test_an_uncorrected_row_is_a_truth_that_nothing_meets(tmp_path: Path) -> None:
    marks = MARKS | {2: {"verdict": "r"}}

    assert now(filled(tmp_path, marks), tables()["triplets"].to_dicts()) == (
        *(0.5, 4),
        *(0.5, 4),
    )


def test_the_interval_of_f1_is_that_of_reports_drawn_in_a_loop(tmp_path: Path) -> None:
    miss = {"true_finding": "mass", "true_region": "spine", "true_existence": "a"}
    marks = MARKS | {7: {"verdict": "y"}, 13: miss}

    (row,) = (
        score_sheet(filled(tmp_path, marks), seed=5)
        .filter(element="finding", metric="f1", target="all")
        .to_dicts()
    )

    # Of s1, s2 and s3: right and proposed, then true.
    right, true = np.array([3, 1, 0]), np.array([3, 2, 1])
    weights = np.array([1, 2, 4])
    draws = np.random.default_rng(5).integers(3, size=(2000, 3))
    for columns, times in (
        (("ci_low", "ci_high"), np.ones(3)),
        (("corpus_low", "corpus_high"), weights),
    ):
        values = []
        for draw in draws:
            num_right = (right * times)[draw].sum()
            num_true = (true * times)[draw].sum()
            # Without a proposed triplet there is no precision, and so no F1.
            if num_right:
                values.append(2 * num_right / (num_right + num_true))
        expected = np.percentile(values, [2.5, 97.5])
        assert [row[column] for column in columns] == pytest.approx(list(expected))
