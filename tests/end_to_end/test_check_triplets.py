"""The target check_triplets as a person uses it: draw, mark, score."""

import json
import re
from pathlib import Path

import openpyxl
import polars as pl
import pytest
import yaml

from asg_core.checking.sheet import COLUMNS
from asg_core.tables.catalog import (
    REJECTS,
    TRIPLET_COMPARISONS,
    TRIPLET_CONFUSIONS,
    TRIPLET_SCORES,
)
from asg_core.tables.schema import read_table
from support.checkout import Checkout, copy_project
from support.marked_sheet import rows_of, save

pytestmark = pytest.mark.slow

TEXTS = (
    "FINDINGS: There is a small left pleural effusion. No pneumothorax.",
    "FINDINGS: The lungs are clear. The heart is enlarged.",
    "IMPRESSION: Possible right upper lobe mass.",
    "FINDINGS: The patient is rotated.",
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    root = tmp_path_factory.mktemp("check")
    (root / "data").mkdir()
    table = {"study": ["s1", "s2", "s3", "s4"], "text": list(TEXTS)}
    pl.DataFrame(table).write_csv(root / "data" / "reports.csv")
    copied = copy_project(root / "checkout")
    return Checkout(copied.root, configfile="config/run.yaml")


def configure(checkout: Checkout, **keys: object) -> None:
    columns = {"text": "text", "study_id": "study"}
    corpus = {
        "name": "notes",
        "source": "table",
        "root": str(checkout.root.parent / "data"),
        "images": "none",
        "shards": 1,
        "table": {"file": "reports.csv", "columns": columns},
    }
    config = {
        "corpus": corpus,
        "check_triplets": {"num_reports": 3} | keys,
        "tracking": {"enabled": False},
    }
    (checkout.root / "config" / "run.yaml").write_text(yaml.safe_dump(config))


def jobs(checkout: Checkout, *targets: str) -> set[str]:
    """Return the rules of which a dry run would start jobs."""
    done = checkout.snakemake("--dry-run", "--cores", "1", *targets)
    return set(re.findall(r"^(\w+) +\d+$", done.stdout, flags=re.MULTILINE)) - {"total"}


def test_a_sheet_is_drawn_marked_kept_and_scored(
    checkout: Checkout, tmp_path: Path
) -> None:
    configure(checkout)
    assert "draw_triplet_sheet" not in jobs(checkout)

    checkout.snakemake("--cores", "1", "check_triplets")

    folder = checkout.root / "results" / "notes" / "check_triplets"
    drawn = folder / "sheet.xlsx"
    rows = rows_of(drawn.read_bytes())
    assert len({row["study"] for row in rows}) == 3
    assert "draw_triplet_sheet" not in jobs(checkout, "check_triplets")

    marks = {
        number: "y"
        for number, row in enumerate(rows, start=1)
        if row["kind"] in ("proposed", "report")
    }
    mark(drawn, marks | {1: "n"})
    marked = drawn.read_bytes()

    # Another seed is another sheet, which must not replace the marks.
    configure(checkout, seed=1)
    refused = checkout.snakemake("--cores", "1", "check_triplets", check=False)
    assert refused.returncode != 0
    assert drawn.read_bytes() == marked
    log = (
        checkout.root / "results" / "notes" / "logs" / "draw_triplet_sheet" / "all.log"
    )
    assert "It is not replaced. Move it to another place" in log.read_text()

    # The marked sheet may lie where it was drawn.
    configure(checkout, filled="results/notes/check_triplets/sheet.xlsx")
    checkout.snakemake("--cores", "1", "check_triplets")

    assert drawn.read_bytes() == marked
    scores = read_table(folder / "scores.parquet", schema=TRIPLET_SCORES)
    (joint,) = scores.filter(
        element="joint", metric="precision", target="all"
    ).to_dicts()
    assert joint["value"] == pytest.approx(1 - 1 / joint["num_items"])
    confusions = read_table(folder / "confusions.parquet", schema=TRIPLET_CONFUSIONS)
    assert confusions["truth"].to_list() == ["no claim"]
    rejects = (
        folder.parent / "tables" / "rejects" / "score_triplet_sheet" / "all.parquet"
    )
    assert read_table(rejects, schema=REJECTS).is_empty()
    assert "sheet.xlsx: " in (folder / "scores.md").read_text()
    assert "gone" not in (folder / "scores.md").read_text()
    assert jobs(checkout, "check_triplets") <= {"check_triplets"}

    # A run that names a marked sheet shows its scores, and no text of a private corpus.
    checkout.snakemake("--cores", "1")
    page = (folder.parent / "summary" / "triplets.html").read_text()
    assert "Rows judged" in page
    assert "privacy.export_examples is off" in page
    assert "pleural effusion. No" not in page

    # A sheet that was exported as CSV says the same.
    refuse_unknown_mark(checkout, rows, tmp_path / "other.csv")


def mark(path: Path, verdicts: dict[int, str]) -> None:
    """Write verdicts into a drawn sheet, by the number of the row."""
    book = openpyxl.load_workbook(path)
    place = COLUMNS.index("verdict") + 1
    for number, verdict in verdicts.items():
        book.worksheets[0].cell(number + 1, place, verdict)
    book.save(path)


def refuse_unknown_mark(
    checkout: Checkout, rows: list[dict[str, str]], path: Path
) -> None:
    rows[0]["verdict"] = "perhaps"
    configure(checkout, filled=str(save(rows, path)))

    refused = checkout.snakemake("--cores", "1", "check_triplets", check=False)

    assert refused.returncode != 0
    logs = checkout.root / "results" / "notes" / "logs"
    log = (logs / "score_triplet_sheet" / "all.log").read_text()
    assert "row 2, column verdict: expected y, s, n, or the letters" in log


def test_a_second_parser_is_compared_and_shown(checkout: Checkout) -> None:
    text = "There is a small left pleural effusion . No pneumothorax ."
    effusion = entity("effusion", 6, "Observation::definitely present")
    graph = {"text": text, "entities": {"1": effusion}}
    graphs = checkout.root.parent / "data" / "graphs.json"
    graphs.write_text(json.dumps({"s1": graph}))
    configure(checkout, second_opinion={"parser": "radgraph"})
    path = checkout.root / "config" / "run.yaml"
    config = yaml.safe_load(path.read_text())
    config["reports"] = {"radgraph": {"graphs": str(graphs)}}
    path.write_text(yaml.safe_dump(config))

    checkout.snakemake("--cores", "1")

    folder = checkout.root / "results" / "notes"
    shard = "shard-0000-of-0001.parquet"
    compared = read_table(
        folder / "tables" / "triplet_comparisons" / shard, schema=TRIPLET_COMPARISONS
    )
    # The graph has no anatomy, and nothing of the pneumothorax.
    assert compared.select("study_id", "finding", "difference").rows() == [
        ("s1", "pleural effusion", "side"),
        ("s1", "pneumothorax", "only_own"),
    ]
    rejects = read_table(
        folder / "tables" / "rejects" / "compare_triplets" / shard, schema=REJECTS
    )
    assert rejects["item_id"].to_list() == ["s2", "s3", "s4"]
    assert set(rejects["reason"]) == {"no_graph"}
    page = (folder / "summary" / "triplets.html").read_text()
    assert "A second opinion" in page
    assert "radgraph" in page
    assert "effusion</mark>" not in page


def entity(tokens: str, index: int, label: str) -> dict[str, object]:
    """Return an entity of one token of a graph."""
    place = {"start_ix": index, "end_ix": index}
    return {"tokens": tokens, "label": label, "relations": [], **place}


def test_a_named_sheet_must_be_there(checkout: Checkout) -> None:
    configure(checkout, filled="nowhere.csv")

    done = checkout.snakemake("--dry-run", "check_triplets", check=False)

    assert done.returncode != 0
    assert (
        "check_triplets.filled: expected a marked sheet, found no file nowhere.csv"
        in (done.stdout + done.stderr)
    )
