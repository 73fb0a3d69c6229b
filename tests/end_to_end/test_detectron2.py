"""config/test_detectron2.yaml with the real detectron2, where `make detectron2` built it."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from asg_core.tables.catalog import REGION_BOXES, STAGE_METRICS
from asg_core.tables.schema import read_tables
from support.checkout import Checkout, copy_project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("detectron2") is None,
        reason="detectron2 is optional: `make detectron2` builds it",
    ),
]


def test_films_become_aligned_units_with_detectron2(tmp_path: Path) -> None:
    checkout = copy_project(tmp_path / "checkout")
    own = Checkout(checkout.root, configfile="config/test_detectron2.yaml")

    own.snakemake("--cores", "2")

    results = own.root / "results" / "test_detectron2"
    run = json.loads((results / "detector" / "run.json").read_text())
    assert run["backend"] == "detectron2"
    assert run["versions"]["detectron2"].startswith("0.6")
    tables = results / "tables"
    boxes = read_tables(
        sorted((tables / "region_boxes").glob("*")), schema=REGION_BOXES
    )
    assert set(boxes["origin"]) == {"detectron2"}
    scores = read_tables(
        [tables / "stage_metrics" / "score_boxes.parquet"], schema=STAGE_METRICS
    )
    found = scores.filter(metric="mean_iou", target="all")["value"].item()
    assert found > 0.1
    assert (results / "summary" / "index.html").exists()
    assert not (results / "runs").exists()
    # The same again, and nothing is to be done.
    assert own.planned() == {}
