"""What a configuration makes: stages, names of files, values of wildcards."""

from pathlib import Path
from typing import Any

import pytest

from asg_core.config import resolve_config
from asg_core.plan.run import RunPlan
from asg_core.plan.stages import STAGE_FILES
from asg_core.tables.catalog import TABLES
from asg_core.terms.stages import Stage

MIMIC = {"name": "mimic", "source": "mimic_cxr", "root": "/data", "shards": 2}
REPORTS_ONLY = MIMIC | {"images": "none"}
TABLE = {
    "name": "films",
    "source": "table",
    "root": "/films",
    "table": {"file": "rows.csv", "columns": {"image_path": "f", "view": "v"}},
}
PIXELS = {"pixels": {"kind": "pixels"}}
NIH = {"nih": {"root": "/nih"}}
SECOND = {"second_opinion": {"parser": "radgraph"}}

READING = (Stage.READ_SOURCE, Stage.READ_REPORTS)
FINDING = (Stage.TRAIN_DETECTOR, Stage.DETECT_REGIONS)
PRETRAINING = (Stage.TRAIN_TOKENIZER, Stage.TOKENIZE_REPORTS, Stage.PRETRAIN_ENCODERS)
EVALUATION = (Stage.READ_BENCHMARK, Stage.EXTRACT_FEATURES, Stage.EVALUATE_ENCODER)
ENDING = (Stage.COUNT_TABLES, Stage.BUILD_SUMMARY)


def plan_of(**sections: object) -> RunPlan:
    return RunPlan(resolve_config(sections))


def test_the_demo_has_every_stage_but_those_that_stand_for_others() -> None:
    left_out = {
        *(Stage.IMPORT_REGIONS, Stage.SCORE_TRIPLET_SHEET, Stage.COMPARE_TRIPLETS),
        Stage.TABLES,
    }

    assert plan_of().stages == tuple(stage for stage in Stage if stage not in left_out)


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        pytest.param(
            {"corpus": REPORTS_ONLY},
            (*READING, Stage.EXTRACT_TRIPLETS, Stage.DRAW_TRIPLET_SHEET, *ENDING),
            id="reports only",
        ),
        pytest.param(
            {"corpus": REPORTS_ONLY, "check_triplets": {"filled": "sheet.csv"}},
            (*READING, Stage.EXTRACT_TRIPLETS, Stage.SCORE_TRIPLET_SHEET, *ENDING),
            id="a marked sheet",
        ),
        pytest.param(
            {"corpus": REPORTS_ONLY, "check_triplets": SECOND},
            (
                *READING,
                Stage.EXTRACT_TRIPLETS,
                Stage.DRAW_TRIPLET_SHEET,
                Stage.COMPARE_TRIPLETS,
                *ENDING,
            ),
            id="a second opinion",
        ),
        pytest.param(
            {"corpus": MIMIC, "regions": {"backend": "none"}},
            (
                *READING,
                Stage.EXTRACT_TRIPLETS,
                Stage.CACHE_PIXELS,
                Stage.DRAW_TRIPLET_SHEET,
                *ENDING,
            ),
            id="images without boxes",
        ),
        pytest.param(
            {"corpus": MIMIC, "pretraining": {"enabled": False}},
            (
                *READING,
                Stage.READ_ANNOTATIONS,
                Stage.EXTRACT_TRIPLETS,
                Stage.CACHE_PIXELS,
                *FINDING,
                Stage.ALIGN_REGIONS,
                Stage.DRAW_TRIPLET_SHEET,
                Stage.SCORE_BOXES,
                *ENDING,
            ),
            id="no pre-training",
        ),
        pytest.param(
            {"corpus": MIMIC, "regions": {"backend": "import"}},
            (
                *READING,
                Stage.READ_ANNOTATIONS,
                Stage.EXTRACT_TRIPLETS,
                Stage.CACHE_PIXELS,
                Stage.IMPORT_REGIONS,
                Stage.ALIGN_REGIONS,
                *PRETRAINING,
                Stage.DRAW_TRIPLET_SHEET,
                *ENDING,
            ),
            id="imported boxes",
        ),
        pytest.param(
            {"corpus": TABLE, "regions": {"checkpoint": "detector"}},
            (
                *READING,
                Stage.EXTRACT_TRIPLETS,
                Stage.CACHE_PIXELS,
                Stage.DETECT_REGIONS,
                Stage.ALIGN_REGIONS,
                *PRETRAINING,
                Stage.DRAW_TRIPLET_SHEET,
                *ENDING,
            ),
            id="a trained detector",
        ),
        pytest.param(
            {"evaluation": {"benchmarks": NIH, "encoders": PIXELS}},
            (*EVALUATION, *ENDING),
            id="no corpus",
        ),
        pytest.param(
            {"corpus": REPORTS_ONLY, "evaluation": {"benchmarks": NIH}},
            (
                *READING,
                Stage.EXTRACT_TRIPLETS,
                *EVALUATION,
                Stage.DRAW_TRIPLET_SHEET,
                *ENDING,
            ),
            id="default encoders that need no run",
        ),
    ],
)
def test_the_stages_follow_from_the_configuration(
    sections: dict[str, Any], expected: tuple[Stage, ...]
) -> None:
    assert plan_of(**sections).stages == expected


def test_every_stage_says_which_files_it_leaves() -> None:
    assert set(STAGE_FILES) == set(Stage) - {Stage.TABLES}


def test_the_tables_of_stages_are_declared() -> None:
    declared = {table.name for table in TABLES}

    assert set(plan_of().tables) == {
        *("studies", "images", "view_counts", "reports", "sentences", "triplets"),
        *("annotated_boxes", "region_boxes", "alignments", "tag_targets", "tokens"),
    }
    assert {name for about in STAGE_FILES.values() for name in about.tables} <= declared


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ({}, "truth/region_boxes"),
        ({"regions": {"backend": "import"}}, "truth/region_boxes"),
        ({"regions": {"backend": "none"}}, None),
        ({"corpus": MIMIC}, "tables/annotated_boxes"),
        ({"corpus": REPORTS_ONLY}, None),
        # The boxes that are imported cannot be scored against themselves.
        ({"corpus": MIMIC, "regions": {"backend": "import"}}, None),
        # A detector from elsewhere is scored where there are annotations.
        ({"corpus": MIMIC, "regions": {"checkpoint": "x"}}, "tables/annotated_boxes"),
        ({"corpus": TABLE, "regions": {"checkpoint": "x"}}, None),
    ],
)
def test_found_boxes_are_scored_against_others(
    sections: dict[str, Any], expected: str | None
) -> None:
    plan = plan_of(**sections)

    assert plan.reference_boxes == ([] if expected is None else plan.shards(expected))
    assert (Stage.SCORE_BOXES in plan.stages) == (expected is not None)


def test_a_synthetic_corpus_lies_in_its_own_results() -> None:
    plan = plan_of(corpus={"name": "demo", "source": "synthetic"})

    assert plan.results == "results/demo"
    assert plan.source_root == "results/demo/source"
    assert plan.annotations_root == "results/demo/source"
    assert plan.datasets == "results/demo/datasets"
    assert plan.manifest == ["results/demo/source/manifest.json"]
    assert plan.benchmark_root("nih") == "results/demo/source/benchmarks/nih"
    assert plan.benchmark_manifest("nih") == plan.manifest
    assert plan.detector == Path("results/demo/detector")


def test_a_real_corpus_lies_where_its_root_says() -> None:
    annotations = {"root": "/boxes"}
    plan = plan_of(
        corpus=MIMIC,
        regions={"annotations": annotations, "checkpoint": "/detector"},
        evaluation={"benchmarks": NIH},
    )

    assert plan.source_root == "/data"
    assert plan.annotations_root == "/boxes"
    assert plan_of(corpus=MIMIC).annotations_root == "/data"
    assert plan.datasets == "results/datasets"
    assert plan.manifest == plan.benchmark_manifest("nih") == []
    assert plan.benchmark_root("nih") == "/nih"
    assert plan.detector == Path("/detector")


def test_a_real_benchmark_beside_a_synthetic_corpus_waits_for_nothing() -> None:
    sizes = {"nih": 0, "chexpert": 0, "rsna": 8, "covidx": 0, "siim": 0}
    plan = plan_of(
        corpus={"source": "synthetic", "synthetic": {"benchmarks": sizes}},
        evaluation={"benchmarks": NIH},
    )

    assert list(plan.benchmarks) == ["nih", "rsna"]
    assert plan.benchmark_manifest("nih") == []
    assert plan.benchmark_manifest("rsna") == plan.manifest


def test_shards_are_named_by_their_number() -> None:
    plan = plan_of(corpus=MIMIC)

    assert plan.shard("pixels") == "results/mimic/pixels/shard-{shard}.parquet"
    assert plan.shards("tables/images") == [
        "results/mimic/tables/images/shard-0000-of-0002.parquet",
        "results/mimic/tables/images/shard-0001-of-0002.parquet",
    ]
    assert list(plan.table_files) == list(plan.tables)
    assert plan.table_files["images"] == plan.shards("tables/images")


def test_wildcards_have_the_values_that_the_run_makes() -> None:
    evaluation = {"benchmarks": NIH | {"siim": {"root": "/siim"}}, "encoders": PIXELS}
    plan = plan_of(
        corpus=MIMIC, pretraining={"runs": {"a": {}, "b": {}}}, evaluation=evaluation
    )

    assert plan.domains == {
        "shard": ["0000-of-0002", "0001-of-0002"],
        "run": ["a", "b"],
        "encoder": ["pixels"],
        "benchmark": ["nih", "siim"],
    }
    assert plan_of(corpus=REPORTS_ONLY).domains == {
        "shard": ["0000-of-0002", "0001-of-0002"],
        "run": [],
        "encoder": [],
        "benchmark": [],
    }
    assert plan_of(evaluation=evaluation).domains["shard"] == []
    assert plan.files("x/{encoder}-{benchmark}") == ["x/pixels-nih", "x/pixels-siim"]
    assert plan.files("x/{run}.json") == ["x/a.json", "x/b.json"]
    assert plan.files("no wildcard") == ["no wildcard"]
    assert plan_of(corpus=REPORTS_ONLY).files(plan.evaluation("notes.json")) == []


def test_rejects_and_metrics_are_those_of_the_stages() -> None:
    plan = plan_of(
        corpus=MIMIC,
        regions={"backend": "import"},
        check_triplets={"filled": "sheet.csv"},
        pretraining={"runs": {"a": {}}},
        evaluation={"benchmarks": NIH, "encoders": PIXELS},
    )
    folder = "results/mimic/tables"
    stages = (
        *("read_source", "read_reports", "read_annotations", "extract_triplets"),
        # Imported boxes are rejected under the name of the stage that they stand for.
        *("cache_pixels", "detect_regions", "align_regions"),
    )

    assert set(plan.reject_files) == {
        *(
            f"{folder}/rejects/{stage}/shard-000{index}-of-0002.parquet"
            for stage in stages
            for index in range(2)
        ),
        f"{folder}/rejects/pretrain_encoders/a.parquet",
        f"{folder}/rejects/read_benchmark/nih.parquet",
        f"{folder}/rejects/evaluate_encoder/pixels-nih.parquet",
        f"{folder}/rejects/score_triplet_sheet/all.parquet",
    }
    assert plan.metric_files == [f"{folder}/stage_metrics/count_tables.parquet"]
    assert plan_of().metric_stages == (
        Stage.MAKE_SYNTHETIC,
        Stage.SCORE_TRIPLETS,
        Stage.SCORE_BOXES,
        Stage.SCORE_ALIGNMENTS,
        Stage.COUNT_TABLES,
    )


def test_a_marked_sheet_has_scores_and_one_to_mark_has_none() -> None:
    marked = plan_of(corpus=REPORTS_ONLY, check_triplets={"filled": "sheet.csv"})

    assert marked.sheet_scores == {
        "triplet_scores": ["results/mimic/check_triplets/scores.parquet"],
        "triplet_confusions": ["results/mimic/check_triplets/confusions.parquet"],
    }
    assert plan_of(corpus=REPORTS_ONLY).sheet_scores == {}


def test_a_run_starts_from_what_its_settings_name() -> None:
    model = {"image_encoder": {"name": "resnet18", "weights": "/w.pth"}}
    runs = {"new": {}, "named": {"model": model}, "later": {"initial": "/old"}}
    plan = plan_of(pretraining={"runs": runs}, evaluation={"encoders": PIXELS})

    assert plan.initial_files("new") == []
    assert plan.initial_files("named") == ["/w.pth"]
    assert plan.initial_files("later") == [
        "/old/run.json",
        "/old/model.safetensors",
        "/old/tokenizer.json",
    ]


def test_an_encoder_is_loaded_from_its_files(tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors", "README.md"):
        (tmp_path / name).touch()
    network = {"name": "resnet18", "pretrained": True}
    encoders = {
        "ours": {"kind": "run", "run": "full"},
        "old": {"kind": "checkpoint", "path": "/old"},
        "dino": {"kind": "transformers", "path": str(tmp_path)},
        "hub": {"kind": "timm", "image_encoder": network},
        "file": {
            "kind": "timm",
            "image_encoder": {"name": "resnet18", "weights": "/w.pth"},
        },
        "floor": {"kind": "random", "run": "full"},
        "pixels": {"kind": "pixels"},
    }
    plan = plan_of(evaluation={"encoders": encoders})
    names = ("run.json", "model.safetensors", "tokenizer.json")

    assert {name: plan.encoder_files(name) for name in encoders} == {
        "ours": [f"results/synthetic/runs/full/{name}" for name in names],
        "old": [f"/old/{name}" for name in names],
        "dino": [f"{tmp_path}/config.json", f"{tmp_path}/model.safetensors"],
        "hub": [],
        "file": ["/w.pth"],
        "floor": [],
        "pixels": [],
    }


def test_jobs_of_some_parsers_and_detectors_have_environments_of_their_own() -> None:
    graphs = {"parser": "radgraph", "radgraph": {"graphs": "/graphs.json"}}
    model = {"parser": "radgraph"}
    first, other = Stage.EXTRACT_TRIPLETS, Stage.COMPARE_TRIPLETS

    assert plan_of().parser_environment(first) == "data"
    assert plan_of(reports=graphs).parser_environment(first) == "data"
    assert plan_of(reports=model).parser_environment(first) == "radgraph"
    assert plan_of(reports=graphs).parser_files(first) == ["/graphs.json"]
    assert plan_of(reports=model).parser_files(first) == []
    second = plan_of(check_triplets=SECOND)
    assert second.parser_environment(first) == "data"
    assert second.parser_environment(other) == "radgraph"
    read = plan_of(reports={"radgraph": graphs["radgraph"]}, check_triplets=SECOND)
    assert read.parser_environment(other) == "data"
    assert read.parser_files(first) == []
    assert read.parser_files(other) == ["/graphs.json"]
    assert plan_of().detector_environment == "train"
    detectron2 = plan_of(regions={"backend": "detectron2"})
    assert detectron2.detector_environment == "detectron2"


def test_the_triplets_of_a_second_opinion_are_a_file_or_those_of_a_folder(
    tmp_path: Path,
) -> None:
    def files(path: Path) -> list[str]:
        second = {"second_opinion": {"triplets": str(path)}}
        return plan_of(check_triplets=second).second_triplets

    for name in ("b.parquet", "a.parquet", "notes.txt"):
        (tmp_path / name).touch()

    assert plan_of().second_triplets == []
    assert files(tmp_path / "a.parquet") == [str(tmp_path / "a.parquet")]
    assert files(tmp_path) == [str(tmp_path / f"{name}.parquet") for name in "ab"]
    assert files(tmp_path / "gone") == []
