"""What the summary is built from, and the files that it consists of."""

import pytest

from asg_core.config import resolve_config
from asg_core.plan.run import RunPlan
from asg_core.plan.summary import (
    shown_settings,
    summary_index,
    summary_inputs,
    summary_pages,
    summary_tables,
)

OPEN_I = {
    "name": "reports",
    "source": "open_i",
    "root": "/data",
    "images": "none",
    "shards": 1,
}
NO_CORPUS = {
    "benchmarks": {"siim": {"root": "/siim"}},
    "encoders": {"pixels": {"kind": "pixels"}},
}


def plan_of(**sections: object) -> RunPlan:
    return RunPlan(resolve_config(sections))


def test_the_summary_of_the_demo_reads_all_that_is_made() -> None:
    plan = plan_of()

    inputs = summary_inputs(plan)

    names = ("stage_metrics", "rejects", "pixels", "runs", "metrics", "scores", "notes")
    assert set(inputs) == {*plan.tables, *names}
    assert all(inputs.values())
    assert inputs["runs"] == ["results/synthetic/runs/full/run.json"]
    folder = "results/synthetic/evaluation"
    assert inputs["metrics"][0] == f"{folder}/full/nih/metrics.parquet"
    assert len(inputs["scores"]) == len(inputs["notes"]) == 3 * 5


def test_a_summary_of_reports_reads_their_tables_and_scores() -> None:
    plan = plan_of(corpus=OPEN_I, check_triplets={"filled": "sheet.csv"})

    inputs = summary_inputs(plan)

    folder = "results/reports"
    shard = "shard-0000-of-0001.parquet"
    assert {name: files for name, files in inputs.items() if files} == {
        **{name: [f"{folder}/tables/{name}/{shard}"] for name in plan.tables},
        "triplet_scores": [f"{folder}/check_triplets/scores.parquet"],
        "triplet_confusions": [f"{folder}/check_triplets/confusions.parquet"],
        "stage_metrics": [f"{folder}/tables/stage_metrics/count_tables.parquet"],
        "rejects": plan.reject_files,
    }


def names(files: list[str], *, plan: RunPlan) -> set[str]:
    folder = f"{plan.results}/summary/"
    assert all(file.startswith(folder) for file in files)
    return {file.removeprefix(folder) for file in files}


def test_the_pages_are_those_that_there_is_something_for() -> None:
    demo, evaluation = plan_of(), plan_of(evaluation=NO_CORPUS)
    unpublished = plan_of(evaluation=NO_CORPUS, summary={"published": False})
    assets = {"style.css", "script.js"}
    shown = {"data.html", "training.html", "examples.html", "triplets.html"}
    shown |= {"benchmarks.html", "published.html"}

    assert summary_index(demo) == "results/synthetic/summary/index.html"
    assert names(summary_pages(demo), plan=demo) == shown | assets
    few = {"data.html", "benchmarks.html"}
    assert names(summary_pages(unpublished), plan=unpublished) == few | assets
    assert names(summary_pages(evaluation), plan=evaluation) == (
        few | {"published.html"} | assets
    )


@pytest.mark.parametrize(
    ("sections", "table"),
    [
        ({}, "views"),
        ({}, "runs"),
        ({}, "scores_detect_regions"),
        ({"check_triplets": {"filled": "sheet.csv"}}, "checked_triplets"),
        (
            {"check_triplets": {"second_opinion": {"parser": "radgraph"}}},
            "compared_triplets",
        ),
        ({}, "results_nih_linear-cached_auc"),
        ({}, "results_siim_segmentation-cached_dice"),
    ],
)
def test_a_table_of_the_summary_is_there_where_its_stage_is(
    sections: dict[str, object], table: str
) -> None:
    with_it, without = plan_of(**sections), plan_of(corpus=OPEN_I)

    files = names(summary_tables(with_it), plan=with_it)

    assert {f"tables/{table}{suffix}" for suffix in (".csv", ".md", ".tex")} <= files
    assert f"tables/{table}.csv" not in names(summary_tables(without), plan=without)


def test_the_summary_shows_every_section_but_the_store_of_runs() -> None:
    shown = shown_settings(plan_of())

    whole = plan_of().project.model_dump(mode="json")
    assert shown == {key: whole[key] for key in whole if key != "tracking"}
    assert list(shown) == sorted(shown)
