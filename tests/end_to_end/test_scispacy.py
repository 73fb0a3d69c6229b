"""The parser `scispacy` through the workflow: with a model's folder, and without."""

from pathlib import Path

import polars as pl
import pytest
import yaml

from asg_core.tables.catalog import TRIPLETS
from asg_core.tables.schema import read_tables
from support.checkout import Checkout, copy_project
from support.trees import save_trained

pytestmark = pytest.mark.slow

TREE = "No/det/2 effusion/ROOT/0 and/cc/2 a/det/6 small/amod/6 nodule/conj/2 ./punct/2"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A copy of the checkout with one report in a table, and nothing run."""
    root = copy_project(tmp_path / "checkout").root
    text = "FINDINGS: No effusion and a small nodule."
    (root / "data").mkdir()
    pl.DataFrame({"id": ["s1"], "text": [text]}).write_csv(root / "data" / "one.csv")
    return Checkout(root, configfile="config/run.yaml")


def configure(checkout: Checkout, *, model: str) -> None:
    table = {"file": "one.csv", "columns": {"study_id": "id", "text": "text"}}
    config = {
        "corpus": {
            "name": "one",
            "source": "table",
            "root": "data",
            "images": "none",
            "table": table,
            "shards": 1,
        },
        "reports": {"parser": "scispacy", "scispacy": {"model": model}},
        "tracking": {"enabled": False},
    }
    (checkout.root / checkout.configfile).write_text(yaml.safe_dump(config))


def test_a_folder_with_a_model_makes_triplets(
    checkout: Checkout, tmp_path: Path
) -> None:
    configure(checkout, model=str(save_trained(tmp_path / "model", lines=[TREE])))

    checkout.snakemake("--cores", "1", "triplets")

    tables = checkout.root / "results" / "one" / "tables" / "triplets"
    triplets = read_tables(sorted(tables.glob("*")), schema=TRIPLETS)
    assert triplets["parser"].unique().to_list() == ["scispacy"]
    assert sorted(set(triplets.select("finding", "existence").rows())) == [
        ("nodule", "present"),
        ("pleural effusion", "absent"),
    ]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("en_core_sci_none", "pip install --no-deps https://"),
        ("data/none", "expected the folder of a spaCy model"),
    ],
)
def test_a_missing_model_stops_before_any_job(
    checkout: Checkout, model: str, message: str
) -> None:
    configure(checkout, model=model)

    done = checkout.snakemake("--cores", "1", "triplets", check=False)

    assert done.returncode != 0
    assert "reports.scispacy.model: expected" in done.stdout + done.stderr
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not (checkout.root / "results").exists()
