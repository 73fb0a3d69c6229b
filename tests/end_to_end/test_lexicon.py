"""One's own lexicon through the workflow: read, read again when it changes, refused."""

from pathlib import Path

import polars as pl
import pytest
import yaml

from asg_core.tables.catalog import TRIPLETS
from asg_core.tables.schema import read_tables
from support.checkout import Checkout, copy_project

pytestmark = pytest.mark.slow

CONFIG = {
    "corpus": {
        "name": "one",
        "source": "table",
        "root": "data",
        "images": "none",
        "table": {"file": "one.csv", "columns": {"study_id": "id", "text": "text"}},
        "shards": 1,
    },
    "reports": {"lexicon": "words"},
    "tracking": {"enabled": False},
}
EXTRACT = {"extract_triplets": 1}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A copy of the checkout with one report, and cues of one's own, and nothing run."""
    checkout = Checkout(copy_project(tmp_path / "own").root, "config/run.yaml")
    for folder in ("data", "words"):
        (checkout.root / folder).mkdir()
    report = pl.DataFrame({"id": ["s1"], "text": ["FINDINGS: Nary effusion."]})
    report.write_csv(checkout.root / "data" / "one.csv")
    (checkout.root / checkout.configfile).write_text(yaml.safe_dump(CONFIG))
    write_cue(checkout, "nary", "doubt_before")
    return checkout


def write_cue(checkout: Checkout, phrase: str, cue: str) -> None:
    path = checkout.root / "words" / "cues.tsv"
    path.write_text(f"phrase\tcue\treason\n{phrase}\t{cue}\t-\n")


def existences(checkout: Checkout) -> list[str]:
    tables = checkout.root / "results" / "one" / "tables" / "triplets"
    triplets = read_tables(sorted(tables.glob("*")), schema=TRIPLETS)
    return triplets["existence"].unique().to_list()


def test_a_changed_line_is_read_again_and_a_damaged_one_is_refused(
    checkout: Checkout,
) -> None:
    checkout.snakemake("--cores", "1", "triplets")
    assert existences(checkout) == ["uncertain"]
    assert checkout.planned("triplets") == {}

    write_cue(checkout, "nary", "deny_before")
    assert checkout.planned("triplets") == EXTRACT
    checkout.snakemake("--cores", "1", "triplets")
    assert existences(checkout) == ["absent"]

    places = checkout.root / "asg_core/reports/lexicon/data/places.tsv"
    (checkout.root / "words" / "places.tsv").write_bytes(places.read_bytes())
    assert checkout.planned("triplets") == EXTRACT

    write_cue(checkout, "nary", "denies")
    done = checkout.snakemake("--cores", "1", "triplets", check=False)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "reports.lexicon: words/cues.tsv, line 2: expected a cue out of" in said
    assert "Traceback" not in said
