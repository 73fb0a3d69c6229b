"""The whole chain on config/test.yaml, from nothing."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from asg_core.images.pixel_cache import PixelCache
from asg_core.models.checkpoint import load_model
from asg_core.tables.catalog import (
    HISTORY,
    METRICS,
    REJECTS,
    SCORES,
    SEGMENTATION_SCORES,
    STAGE_METRICS,
    TABLES,
)
from asg_core.tables.schema import read_table, read_tables
from asg_core.terms.stages import Stage
from support.checkout import Checkout

pytestmark = pytest.mark.slow


def results(checkout: Checkout) -> Path:
    return checkout.root / "results" / "test"


def test_every_table_is_there_and_fits_its_declaration(finished: Checkout) -> None:
    tables = results(finished) / "tables"
    read = {
        table.name: read_tables(
            sorted((tables / table.name).rglob("*.parquet")), schema=table
        )
        for table in TABLES
        if (tables / table.name).exists()
    }
    elsewhere = {"pixels", "history", "scores", "segmentation_scores", "metrics"}
    elsewhere |= {"triplet_scores", "triplet_confusions"}  # of a sheet that is marked
    elsewhere |= {"triplet_comparisons"}  # with a second parser
    elsewhere |= {
        f"benchmark_{name}" for name in ("images", "labels", "boxes", "masks")
    }

    assert [name for name, frame in read.items() if frame.is_empty()] == []
    assert {path.name for path in tables.iterdir()} == set(read)
    assert {table.name for table in TABLES} - set(read) == elsewhere
    alignments = read["alignments"]
    assert len(alignments) > 20
    assert set(alignments["scenario"]) == {1, 2, 3}
    assert len(PixelCache(sorted((results(finished) / "pixels").glob("*")))) > 40


def test_every_broken_file_is_in_rejects(finished: Checkout) -> None:
    broken = json.loads((results(finished) / "source" / "broken.json").read_text())

    rejects = read_tables(
        sorted((results(finished) / "tables" / "rejects").rglob("*.parquet")),
        schema=REJECTS,
    )

    assert len({item["kind"] for item in broken}) == 8
    for item in broken:
        # A row that repeats an image is rejected as a row; its detail names the image.
        text = pl.concat_str("item_id", "detail").str.contains(item["id"], literal=True)
        assert rejects.select(text).to_series().any(), f"{item} is in no rejects"


def test_rejects_lie_in_the_folder_of_their_stage(finished: Checkout) -> None:
    folder = results(finished) / "tables" / "rejects"
    found = {
        (place.name, stage)
        for place in folder.iterdir()
        for stage in read_tables(sorted(place.glob("*")), schema=REJECTS)["stage"]
    }

    assert len(found) > 4
    assert all(place == stage for place, stage in found), found
    assert {stage for _, stage in found} <= {stage.value for stage in Stage}


def test_every_stage_is_scored(finished: Checkout) -> None:
    files = sorted((results(finished) / "tables" / "stage_metrics").glob("*.parquet"))
    metrics = read_tables(files, schema=STAGE_METRICS)

    overall = metrics.filter(pl.col("target") == "all")
    scores = {
        (stage, metric): value
        for stage, metric, value in overall.select("stage", "metric", "value").rows()
    }

    # Each bound is some hundredths below what was found, and above what is found with the
    # sides of regions exchanged, a fifth of the detector's steps, or images mixed up.
    bounds = {
        ("extract_triplets", "finding_f1"): 0.93,
        ("extract_triplets", "joint_f1"): 0.9,
        ("detect_regions", "mean_iou"): 0.22,
        ("detect_regions", "detection_rate"): 0.7,
        ("align_regions", "pair_f1"): 0.72,
        ("align_regions", "pair_precision"): 0.78,
        ("align_regions", "box_iou_mean"): 0.48,
    }
    assert {
        key: scores[key] for key, bound in bounds.items() if scores[key] < bound
    } == {}


def test_every_run_has_curves_and_a_model_that_loads(finished: Checkout) -> None:
    runs = results(finished) / "runs"

    for run in ("full", "ira"):
        history = read_table(runs / run / "history.parquet", schema=HISTORY)
        losses = history.filter(pl.col("metric") == "train/loss")["value"]
        assert losses.is_finite().all()
        assert "validate/loss" in set(history["metric"])
        assert not load_model(runs / run).training
    watched = set(
        read_table(runs / "ira" / "history.parquet", schema=HISTORY)["metric"]
    )
    assert "train/tags" not in watched


def test_every_encoder_is_scored_on_every_benchmark(finished: Checkout) -> None:
    folders = sorted((results(finished) / "evaluation").glob("*/*"))
    frames = {
        table.name: read_tables(
            [folder / f"{table.name}.parquet" for folder in folders], schema=table
        )
        for table in (SCORES, SEGMENTATION_SCORES, METRICS)
    }

    assert len(folders) == 2 * 5
    metrics = frames["metrics"]
    measured = metrics.filter(pl.col("value").is_not_null())
    assert len(measured) > 200
    assert (measured["num_items"] > 0).all()
    assert metrics.filter(
        pl.col("value").is_null(), pl.col("reason").is_null()
    ).is_empty()
    protocols = {
        encoder: set(of_encoder["protocol"])
        for (encoder,), of_encoder in metrics.group_by("encoder")
    }
    cached = {"linear-cached", "segmentation-cached-quick"}
    assert protocols["pixels"] == cached
    assert protocols["full"] == cached | {"zero-shot-tags", "zero-shot-prompts"}
    assert not frames["segmentation_scores"].is_empty()
    assert set(frames["scores"]["benchmark"]) == {
        "nih",
        "chexpert",
        "rsna",
        "covidx",
        "siim",
    }


def test_the_summary_names_every_run_and_benchmark(finished: Checkout) -> None:
    summary = results(finished) / "summary"

    pages = {page.stem: page.read_text() for page in summary.glob("*.html")}

    assert {"index", "data", "examples", "training", "benchmarks"} <= set(pages)
    assert "full" in pages["training"]
    assert all(name in pages["benchmarks"] for name in ("NIH", "SIIM", "pixels"))
    assert list((summary / "tables").glob("*.csv"))


def test_the_mirror_has_one_parent_and_a_finished_child_per_job(
    finished: Checkout,
) -> None:
    code = (
        "import json, mlflow\n"
        "c = mlflow.MlflowClient('sqlite:///mlflow.db')\n"
        "e = c.get_experiment_by_name('asg')\n"
        "runs = c.search_runs([e.experiment_id], max_results=1000)\n"
        "print(json.dumps([[r.data.tags.get('mlflow.parentRunId'), r.info.status]"
        " for r in runs]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=finished.root,
        env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        check=True,
    )
    runs = json.loads(done.stdout.splitlines()[-1])
    logs = list((results(finished) / "logs").rglob("*.log"))

    assert sum(parent is None for parent, _ in runs) == 1
    assert {status for _, status in runs} == {"FINISHED"}
    assert len(runs) - 1 == len(logs)


def test_building_the_graph_imports_no_framework(finished: Checkout) -> None:
    code = (
        "import sys\nfrom snakemake.cli import main\n"
        "try:\n    main(['-n', '-q', '--configfile', 'config/test.yaml'])\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        # pandas is loaded by Snakemake's own Slurm plugin, before anything of ours.
        "heavy = {'torch', 'timm', 'transformers', 'sklearn', 'matplotlib'}\n"
        "heavy |= {'mlflow', 'spacy', 'cv2', 'scipy', 'polars'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    environment = os.environ | {"PYTHONPATH": str(finished.root)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=finished.root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("corpus: {nmae: x}", "corpus.nmae: expected a known key"),
        ("images: {size: small}", "images.size: "),
        (
            "corpus: {name: x, source: open_i, root: data/absent, images: none}",
            "data/absent",
        ),
    ],
)
def test_a_wrong_configuration_stops_before_any_job(
    finished: Checkout, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "wrong.yaml").write_text(text)
    wrong = replace(finished, configfile=str(tmp_path / "wrong.yaml"))

    done = wrong.snakemake("--cores", "1", check=False)

    assert done.returncode != 0
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
