"""The parser `radgraph` through the workflow: a file of graphs, a model, and neither."""

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from asg_core.reports.parsers.radgraph.compat import restore_tokenizer_methods
from asg_core.tables.catalog import REPORTS, SENTENCES, TRIPLETS
from asg_core.tables.schema import TableSchema, read_tables
from support.checkout import Checkout, copy_project
from support.graphs import claimed
from support.radgraph_model import bert_folder, random_model

pytestmark = pytest.mark.slow

CONFIG: dict[str, Any] = {
    "corpus": {
        "name": "small",
        "source": "synthetic",
        "shards": 1,
        "max_reject_share": 0.3,
        "synthetic": {
            "patients": 16,
            "broken_files": 8,
            "image_size": 80,
            "benchmark_image_size": 64,
            "benchmark_images": 4,
        },
    },
    "reports": {"max_reject_share": 0.3},
    "tracking": {"enabled": False},
}
KEPT_SENTENCES = "sentences_of_lexicon"
CLAIM = ("study_id", "finding", "region", "existence")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose reports were read by `lexicon`; its sentences are kept aside."""
    root = copy_project(tmp_path_factory.mktemp("radgraph") / "checkout").root
    checkout = Checkout(root, configfile="config/run.yaml")
    configure(checkout, {})
    checkout.snakemake("--cores", "1", "triplets")
    shutil.copytree(root / "results/small/tables/sentences", root / KEPT_SENTENCES)
    return checkout


def configure(checkout: Checkout, reports: dict[str, Any]) -> None:
    config = CONFIG | {"reports": CONFIG["reports"] | reports}
    (checkout.root / checkout.configfile).write_text(yaml.safe_dump(config))


def table(
    checkout: Checkout, schema: TableSchema, *, part: str = "tables"
) -> pl.DataFrame:
    folder = checkout.root / "results" / "small" / part / schema.name
    return read_tables(sorted(folder.glob("*")), schema=schema)


def write_true_graphs(checkout: Checkout, path: Path) -> None:
    """Write the graphs that the reports' ground truth is, keyed as PhysioNet does."""
    truth = table(checkout, TRIPLETS, part="truth")
    graphs = {}
    for study_id, text in table(checkout, REPORTS).select("study_id", "text").rows():
        # The truth of a file that was broken on purpose points behind its end.
        is_there = (pl.col("study_id") == study_id) & (
            pl.col("finding_end") <= len(text)
        )
        rows = truth.filter(is_there).rows(named=True)
        graphs[f"p10/p10000000/s{study_id}.txt"] = claimed(text, rows)
    path.write_text(json.dumps(graphs))


def assert_offsets_are_of_the_reports(checkout: Checkout) -> None:
    """Assert that every claim stands in its sentence, in words of the original."""
    texts = dict(table(checkout, REPORTS).select("study_id", "text").rows())
    sentences = table(checkout, SENTENCES)
    for study_id, start, end, text in sentences.select(
        "study_id", "start", "end", "text"
    ).rows():
        assert texts[study_id][start:end] == text
    joined = table(checkout, TRIPLETS).join(sentences, on=list(SENTENCES.key))
    for row in joined.rows(named=True):
        text = texts[row["study_id"]]
        assert row["start"] <= row["finding_start"] < row["finding_end"] <= row["end"]
        assert text[row["finding_start"] : row["finding_end"]].strip()
        if row["place_start"] is not None:
            assert text[row["place_start"] : row["place_end"]].strip()
        if row["cue_start"] is not None:
            assert row["start"] <= row["cue_start"] < row["cue_end"] <= row["end"]


def test_a_file_of_graphs_replaces_the_lexicon(checkout: Checkout) -> None:
    write_true_graphs(checkout, checkout.root / "graphs.json")
    configure(checkout, {"parser": "radgraph", "radgraph": {"graphs": "graphs.json"}})

    assert checkout.planned("triplets") == {"extract_triplets": 1}
    checkout.snakemake("--cores", "1", "triplets")

    triplets = table(checkout, TRIPLETS)
    assert triplets["parser"].unique().to_list() == ["radgraph"]
    assert_offsets_are_of_the_reports(checkout)
    sentences = table(checkout, SENTENCES)
    kept = sorted((checkout.root / KEPT_SENTENCES).glob("*"))
    assert sentences.equals(read_tables(kept, schema=SENTENCES))
    truth = table(checkout, TRIPLETS, part="truth")
    read = sentences["study_id"].unique().to_list()
    true = set(truth.filter(pl.col("study_id").is_in(read)).select(CLAIM).rows())
    found = set(triplets.select(CLAIM).rows())
    assert len(true) > 150
    assert 2 * len(true & found) / (len(true) + len(found)) > 0.9


def test_a_broken_file_of_graphs_stops_the_job_with_its_line(
    checkout: Checkout,
) -> None:
    (checkout.root / "broken.json").write_text('{\n"p10/p1/s1.txt": {"text": }')
    configure(checkout, {"parser": "radgraph", "radgraph": {"graphs": "broken.json"}})

    done = checkout.snakemake("--cores", "1", "triplets", check=False)

    assert done.returncode != 0
    logs = (checkout.root / "results/small/logs/extract_triplets").glob("*")
    place = "broken.json, line 2, document 'p10/p1/s1.txt'"
    assert any(place in log.read_text() for log in logs)


def test_a_folder_with_a_model_makes_the_graphs(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # radgraph and what it brings warn on import
        restore_tokenizer_methods()
        encoder = bert_folder(tmp_path / "models" / "encoder")
        random_model(tmp_path / "models", encoder=encoder)
    model = {"model": "radgraph", "model_folder": str(tmp_path / "models")}
    configure(checkout, {"parser": "radgraph", "radgraph": model})

    checkout.snakemake("--cores", "1", "triplets")

    triplets = table(checkout, TRIPLETS)
    assert triplets["parser"].unique().to_list() == ["radgraph"]
    assert_offsets_are_of_the_reports(checkout)
    assert table(checkout, SENTENCES)["study_id"].n_unique() == 21


@pytest.mark.parametrize(
    ("radgraph", "key"),
    [
        ({"graphs": "none.json"}, "reports.radgraph.graphs"),
        ({"model_folder": "none"}, "reports.radgraph.model_folder"),
    ],
)
def test_a_missing_file_stops_before_any_job(
    checkout: Checkout, radgraph: dict[str, str], key: str
) -> None:
    configure(checkout, {"parser": "radgraph", "radgraph": radgraph})

    done = checkout.snakemake("--cores", "1", "triplets", check=False)

    assert done.returncode != 0
    output = done.stdout + done.stderr
    assert f"{key}: expected the file" in output
    assert "Traceback" not in output
    assert "rule extract_triplets" not in output
