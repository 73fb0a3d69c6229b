"""The whole chain on config/test.yaml, from nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from asg_core.images.pixel_cache import PixelCache
from asg_core.tables.catalog import PIXELS, REJECTS, STAGE_METRICS, TABLES
from asg_core.tables.schema import read_tables
from support.checkout import Checkout, copy_project

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
        if table is not PIXELS
    }

    assert [name for name, frame in read.items() if frame.is_empty()] == []
    assert {path.name for path in tables.iterdir()} == set(read)
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


def test_every_stage_is_scored(finished: Checkout) -> None:
    files = sorted((results(finished) / "tables" / "stage_metrics").glob("*.parquet"))
    metrics = read_tables(files, schema=STAGE_METRICS)

    overall = metrics.filter(pl.col("target") == "all")
    scores = {
        (stage, metric): value
        for stage, metric, value in overall.select("stage", "metric", "value").rows()
    }

    assert scores["extract_triplets", "finding_f1"] > 0.5
    assert scores["detect_regions", "mean_iou"] is not None
    assert scores["align_regions", "pair_f1"] is not None


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


def test_another_folder_and_another_number_of_cores_give_the_same_bytes(
    finished: Checkout, tmp_path: Path
) -> None:
    other = copy_project(tmp_path / "elsewhere" / "copy")

    other.snakemake("--cores", "1")

    first, second = finished.tables(), other.tables()
    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_building_the_graph_imports_no_framework(finished: Checkout) -> None:
    code = (
        "import sys\nfrom snakemake.cli import main\n"
        "try:\n    main(['-n', '-q', '--configfile', 'config/test.yaml'])\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        # pandas is loaded by Snakemake's own Slurm plugin, before anything of ours.
        "heavy = {'torch', 'mlflow', 'spacy', 'cv2', 'scipy'} & set(sys.modules)\n"
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
    finished: Checkout, text: str, message: str
) -> None:
    (finished.root / "config" / "wrong.yaml").write_text(text)
    wrong = Checkout(finished.root, configfile="config/wrong.yaml")

    done = wrong.snakemake("--cores", "1", check=False)

    assert done.returncode != 0
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
