import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from asg_core.checking.sample import NO_CLAIM, claims_of, draw_reports, stratify
from support.marked_sheet import tables


def strata(sizes: dict[str, int]) -> pl.DataFrame:
    """Return so many reports of each stratum."""
    rows = [(f"{name}-{i}", name) for name, size in sizes.items() for i in range(size)]
    return pl.DataFrame(rows, schema=["study_id", "stratum"], orient="row")


def test_a_report_is_of_its_rarest_kind_of_claim() -> None:
    claims = pl.DataFrame(
        [
            ("a", "edema absent"),
            ("a", "mass present"),
            ("b", "edema absent"),
            ("c", "edema absent"),
            ("c", "context removal"),
        ],
        schema=["study_id", "kind"],
        orient="row",
    )

    found = stratify(pl.Series(["a", "b", "c", "d"]), claims)

    # Of two kinds that one report makes each, the first in the list of kinds counts.
    assert dict(found.rows()) == {
        "a": "mass present",
        "b": "edema absent",
        "c": "context removal",
        "d": NO_CLAIM,
    }


def test_kinds_are_findings_with_their_existence_and_contexts_but_the_current() -> None:
    triplets = tables()["triplets"]
    old = triplets.head(1).with_columns(
        context=pl.lit("history").cast(triplets.schema["context"])
    )

    claims = claims_of(pl.concat([old, triplets.tail(-1)]))

    assert sorted(claims.rows()) == [
        ("s1", "context history"),
        ("s1", "edema absent"),
        ("s1", "pleural effusion present"),
        ("s2", "mass uncertain"),
    ]


def test_the_same_seed_draws_the_same_reports_in_whatever_order_they_come() -> None:
    frame = strata({"a": 400, "b": 60, "c": 3})

    one = draw_reports(frame, num_reports=30, seed=1)
    same = draw_reports(frame.reverse(), num_reports=30, seed=1)
    other = draw_reports(frame, num_reports=30, seed=2)

    assert one.equals(same)
    assert set(one["study_id"]) != set(other["study_id"])


def test_a_stratum_gets_its_share_by_the_root_of_its_size() -> None:
    drawn = draw_reports(strata({"a": 900, "b": 100, "c": 25}), num_reports=45, seed=0)

    # Roots 30, 10, 5: of 45 reports just as many.
    assert dict(drawn.group_by("stratum").len().rows()) == {"a": 30, "b": 10, "c": 5}
    assert dict(drawn.group_by("stratum").agg(pl.first("probability")).rows()) == (
        pytest.approx({"a": 30 / 900, "b": 10 / 100, "c": 5 / 25})
    )


def test_a_report_that_is_surely_drawn_has_probability_one() -> None:
    drawn = draw_reports(strata({"a": 1, "b": 10_000}), num_reports=150, seed=3)

    probability = dict(drawn.group_by("stratum").agg(pl.first("probability")).rows())
    assert probability["a"] == 1
    assert probability["b"] == pytest.approx(149 / 10_000)
    assert len(drawn) == 150


def test_all_reports_are_drawn_where_there_are_fewer() -> None:
    drawn = draw_reports(strata({"a": 5, "b": 2}), num_reports=40, seed=0)

    assert len(drawn) == 7
    assert set(drawn["probability"]) == {1.0}


def test_reports_are_drawn_as_often_as_their_probability_says() -> None:
    frame = strata({"a": 40, "b": 6, "c": 1})
    counts: dict[str, int] = {}
    probability = {}
    num_seeds = 2000
    for seed in range(num_seeds):
        drawn = draw_reports(frame, num_reports=7, seed=seed)
        assert len(drawn) == drawn["study_id"].n_unique() == 7
        for study, stratum, share in drawn.rows():
            counts[study] = counts.get(study, 0) + 1
            probability[study] = share
            assert share == pytest.approx(probability[study])
            assert study.startswith(stratum)

    assert set(counts) == set(frame["study_id"])
    for study, count in counts.items():
        share = probability[study]
        spread = np.sqrt(share * (1 - share) / num_seeds)
        assert abs(count / num_seeds - share) < 5 * spread + 1e-9, study


def test_weights_add_up_to_the_corpus() -> None:
    frame = strata({"a": 900, "b": 100, "c": 25})

    totals = [
        float((1 / draw_reports(frame, num_reports=45, seed=seed)["probability"]).sum())
        for seed in range(20)
    ]

    assert np.mean(totals) == pytest.approx(1025, rel=0.01)


def test_the_first_rows_are_of_all_strata() -> None:
    drawn = draw_reports(strata({"a": 400, "b": 400}), num_reports=60, seed=0)

    changes = sum(
        one != other
        for one, other in zip(drawn["stratum"], drawn["stratum"][1:], strict=False)
    )
    assert changes > 15


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in kibibytes")
def test_a_large_corpus_is_drawn_from_in_little_memory() -> None:
    # 230,000 reports with nine kinds each: as many as MIMIC-CXR has.
    code = """
import resource
import numpy as np, polars as pl
from asg_core.checking.sample import KINDS, draw_reports, stratify
studies = pl.Series("study_id", [f"s{i:08d}" for i in range(230_000)])
index = np.random.default_rng(0).geometric(0.05, size=230_000 * 9) % len(KINDS)
claims = pl.DataFrame({
    "study_id": studies.gather(np.repeat(np.arange(230_000), 9)),
    "kind": pl.Series(list(KINDS)).gather(index),
}).unique()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
drawn = draw_reports(stratify(studies, claims), num_reports=200, seed=0)
assert len(drawn) == 200
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert int(done.stdout) < 300  # MB
