"""config/table.yaml from a table of files and texts to the pages, as its comments say."""

import csv
import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
import yaml

from asg_core.tables.catalog import ALIGNMENTS, IMAGES, REGION_BOXES, REPORTS
from asg_core.tables.schema import read_tables
from support.checkout import Checkout

pytestmark = pytest.mark.slow  # shares the finished run of the session

DETECTOR = {"regions": {"checkpoint": "results/test/detector", "max_reject_share": 0.5}}
# The finished corpus has broken files on purpose, and its detector has hardly learned.
SMALLER = {
    "corpus": {"shards": 2, "max_reject_share": 0.3},
    "reports": {"max_reject_share": 0.3},
    "images": {"size": 96, "max_reject_share": 0.3},
    "pretraining": {
        "max_reject_share": 0.5,
        "crop": {"resize": 72},
        "model": {"image_encoder": {"size": 64}},
        "max_steps": 4,
    },
}


def write_table(finished: Checkout) -> None:
    """Leave the finished corpus as a table, with the columns that the recipe names."""
    tables = finished.root / "results" / "test" / "tables"
    images = read_tables(sorted((tables / "images").glob("*")), schema=IMAGES)
    reports = read_tables(sorted((tables / "reports").glob("*")), schema=REPORTS)
    rows = images.join(reports, on="study_id")
    folder = finished.root / "data" / "my_corpus"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "films").symlink_to(finished.root / "results" / "test" / "source")
    with (folder / "manifest.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "notes", "image_id", "patient_id", "view"])
        for row in rows.iter_rows(named=True):
            # A study is a row here, so that one of several films is a patient's of its own.
            path = f"films/{row['path']}"
            writer.writerow(
                [path, row["text"], row["image_id"], row["study_id"], row["view"]]
            )


def laid_over(finished: Checkout, name: str, values: Mapping[str, object]) -> str:
    """Write what a user changes, and return its path."""
    quiet = {"tracking": {"enabled": False}}
    path = f"config/{name}.yaml"
    (finished.root / path).write_text(yaml.safe_dump({**values, **quiet}))
    return path


def test_a_table_goes_to_the_pages_with_the_detector_that_the_user_names(
    finished: Checkout,
) -> None:
    write_table(finished)
    table = replace(finished, configfile="config/table.yaml")

    refused = table.snakemake(laid_over(finished, "other", DETECTOR), "-n", check=False)
    table.snakemake(laid_over(finished, "mine", DETECTOR | SMALLER), "--cores", "2")

    # The detector of the finished run has another size than the demo's.
    assert refused.returncode != 0
    told = refused.stdout + refused.stderr
    assert "images.size: expected 96, the size of the images that the detector" in told
    assert "lower pretraining.crop.resize (126) and" in told
    results = finished.root / "results" / "my_corpus"
    tables = results / "tables"
    boxes = read_tables(
        sorted((tables / "region_boxes").glob("*")), schema=REGION_BOXES
    )
    units = read_tables(sorted((tables / "alignments").glob("*")), schema=ALIGNMENTS)
    assert boxes["image_id"].n_unique() > 30
    assert len(units) > 30
    run = json.loads((results / "runs" / "full" / "run.json").read_text())
    assert (run["kind"], run["steps"]) == ("asg_model", 4)
    assert "my_corpus" in (results / "summary" / "index.html").read_text()
