"""Boxes that are imported, or found by a detector that another run trained."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from asg_core.tables.catalog import ALIGNMENTS, REGION_BOXES
from asg_core.tables.schema import read_tables
from support.checkout import Checkout

pytestmark = pytest.mark.slow  # shares the finished run of the session


def run(finished: Checkout, *, name: str, regions: Mapping[str, object]) -> Path:
    """Run the finished synthetic corpus again as a corpus of MIMIC-CXR's layout."""
    config = yaml.safe_load((finished.root / finished.configfile).read_text())
    config["corpus"] = {
        "name": name,
        "source": "mimic_cxr",
        "root": "results/test/source",
        "shards": 2,
        "max_reject_share": 0.3,
    }
    config["regions"] = {"max_reject_share": 0.5, **regions}
    config["tracking"] = {"enabled": False}
    # What follows the alignments does not care whose boxes they are of.
    config["pretraining"] = {"enabled": False}
    del config["evaluation"]
    (finished.root / "config" / f"{name}.yaml").write_text(yaml.safe_dump(config))
    other = replace(finished, configfile=f"config/{name}.yaml")
    other.snakemake("--cores", "2")
    return finished.root / "results" / name / "tables"


def test_annotated_boxes_are_imported(finished: Checkout) -> None:
    tables = run(finished, name="imported", regions={"backend": "import"})

    boxes = read_tables(
        sorted((tables / "region_boxes").glob("*")), schema=REGION_BOXES
    )
    units = read_tables(sorted((tables / "alignments").glob("*")), schema=ALIGNMENTS)
    assert set(boxes["origin"]) == {"chest_imagenome"}
    assert len(boxes) > 1000
    assert len(units) > 100
    assert not (tables.parent / "detector").exists()


def test_a_detector_of_another_run_is_applied(finished: Checkout) -> None:
    regions = {
        "checkpoint": "results/test/detector",
        "annotations": {"source": "none"},
        "detection": {"precision": "bf16"},
    }

    tables = run(finished, name="applied", regions=regions)

    trained = finished.root / "results" / "test" / "tables" / "region_boxes"
    for path in sorted((tables / "region_boxes").glob("*")):
        assert path.read_bytes() == (trained / path.name).read_bytes()
    assert not (tables.parent / "detector").exists()
    assert not (tables / "annotated_boxes").exists()


def test_a_missing_checkpoint_and_an_impossible_target_are_sentences(
    finished: Checkout,
) -> None:
    config = yaml.safe_load((finished.root / finished.configfile).read_text())
    config["regions"] = {"checkpoint": "results/absent/detector"}
    (finished.root / "config" / "absent.yaml").write_text(yaml.safe_dump(config))
    config["regions"] = {"backend": "none"}
    del config["evaluation"]
    (finished.root / "config" / "no_boxes.yaml").write_text(yaml.safe_dump(config))

    absent = replace(finished, configfile="config/absent.yaml")
    done = absent.snakemake("-n", check=False)
    assert "found no results/absent/detector/run.json" in done.stdout + done.stderr

    no_boxes = replace(finished, configfile="config/no_boxes.yaml")
    done = no_boxes.snakemake("-n", "alignments", check=False)
    assert done.returncode != 0
    assert "This run makes no boxes" in done.stdout + done.stderr
