"""Benchmarks and encoders without a corpus: what README.md calls an encoder of your own.

The benchmarks are made by the synthetic world in the layouts of the real ones, and then
named by their roots, as real ones are.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from asg_core.synthetic.config import SyntheticConfig
from asg_core.synthetic.make import make_synthetic
from support.checkout import Checkout, copy_project

pytestmark = pytest.mark.slow

BENCHMARKS = {"nih": 32, "siim": 24}
TINY = {"name": "test_resnet", "size": 32, "channels": 1}


@pytest.fixture(scope="module")
def benchmarks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two benchmarks as they are distributed."""
    folder = tmp_path_factory.mktemp("world")
    make_synthetic(
        config=SyntheticConfig(
            patients=1,
            broken_files=0,
            image_size=80,
            benchmark_image_size=64,
            benchmark_images=0,
            benchmarks=BENCHMARKS,
        ),
        root=folder / "source",
        truth=folder / "truth",
        num_shards=1,
        num_processes=1,
    )
    return folder / "source" / "benchmarks"


def evaluator(
    folder: Path, *, benchmarks: list[Path], encoders: dict[str, Any]
) -> tuple[Checkout, Path]:
    """Return a checkout with a my.yaml of these encoders, and its results folder."""
    checkout = copy_project(folder / "checkout")
    config = {
        "corpus": {"name": "my_encoders"},
        "evaluation": {
            "benchmarks": {root.name: {"root": str(root)} for root in benchmarks},
            "encoders": encoders,
            "image_size": 48,
            "fractions": [1.0],
            "seeds": 1,
            "bootstrap": 20,
            "protocols": [
                "linear-cached",
                "segmentation-cached-quick",
                "mgca-linear",
                "mgca-segmentation",
            ],
        },
        "tracking": {"enabled": False},
    }
    (checkout.root / "my.yaml").write_text(yaml.safe_dump(config))
    one = replace(checkout, configfile="my.yaml", has_networks=True)
    return one, checkout.root / "results" / "my_encoders"


def test_encoders_are_scored_to_the_pages_and_a_printed_table(
    tmp_path: Path, benchmarks: Path
) -> None:
    encoders = {
        "tiny": {"kind": "random", "image_encoder": TINY},
        "pixels": {"kind": "pixels", "thumbnail": 8},
    }
    roots = [benchmarks / name for name in BENCHMARKS]
    checkout, results = evaluator(tmp_path, benchmarks=roots, encoders=encoders)

    planned = checkout.planned()
    done = checkout.snakemake("--cores", "1")

    assert set(planned) == {
        "read_benchmark", "extract_features", "evaluate_encoder", "count_tables",
        "build_summary",
    }  # fmt: skip
    assert "nih, linear-cached: AUC" in done.stdout
    for pair in ("siim, segmentation-cached", "nih, mgca-linear", "siim, mgca-segm"):
        assert pair in done.stdout
    assert f"{results.relative_to(checkout.root)}/summary/index.html" in done.stdout
    pages = {path.stem: path.read_text() for path in results.rglob("summary/*.html")}
    assert set(pages) == {"index", "data", "benchmarks", "published"}
    assert "on the corpus" not in pages["index"]
    assert all(name in pages["benchmarks"] for name in encoders)
    assert checkout.planned() == {}
    # A target of another kind of run is refused in words, not by a missing file.
    for target in ("triplets", "check_triplets", "boxes", "alignments", "pretrain"):
        refused = checkout.snakemake("--cores", "1", target, check=False)
        assert "corpus.source is 'none'" in refused.stdout + refused.stderr, target
        assert refused.returncode != 0


def test_a_broken_encoder_does_not_stop_the_others(
    tmp_path: Path, benchmarks: Path
) -> None:
    # Only timm knows that there is none of this name, so only the job can say it.
    nothing = {"kind": "random", "image_encoder": TINY | {"name": "nosuch_model"}}
    encoders = {
        "broken": nothing,
        "pixels": {"kind": "pixels", "thumbnail": 8},
    }
    roots = [benchmarks / "nih"]
    checkout, results = evaluator(tmp_path, benchmarks=roots, encoders=encoders)

    done = checkout.snakemake("--cores", "1", check=False)

    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "1 of 2 encoders failed: broken on nih." in said
    assert "pixels" in done.stdout.partition("nih, linear-cached")[2]
    assert "FAILED: broken on nih: ValueError" in done.stdout
    assert "'nosuch_model'" in done.stdout
    for page in ("index", "benchmarks"):
        text = (results / "summary" / f"{page}.html").read_text()
        assert "What failed" in text
        assert "nosuch_model" in text
    rejects = (results / "summary" / "tables" / "rejects.csv").read_text()
    assert "encoder_failed" in rejects

    # The failure is no result: the next run tries again, and only that.
    assert checkout.planned() == {
        "extract_features": 1, "evaluate_encoder": 1, "count_tables": 1,
        "build_summary": 1,
    }  # fmt: skip
