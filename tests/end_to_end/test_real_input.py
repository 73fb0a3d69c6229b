"""The workflow on real files: reports in XML, images in PNG, JPEG and DICOM."""

from pathlib import Path

import polars as pl
import pytest
import yaml

from asg_core.images.pixel_cache import PixelCache
from asg_core.tables.catalog import REJECTS, REPORTS, TRIPLETS
from asg_core.tables.schema import read_tables
from support.checkout import Checkout, copy_project
from support.reference import open_i_archive, reference_data

pytestmark = pytest.mark.slow


def run(tmp_path: Path, config: dict[str, object], *, targets: list[str]) -> Path:
    """Run a configuration in a copy of the checkout; return its results folder."""
    checkout = copy_project(tmp_path / "checkout")
    config = config | {"tracking": {"enabled": False}}
    (checkout.root / "config" / "run.yaml").write_text(yaml.safe_dump(config))
    one = Checkout(checkout.root, configfile="config/run.yaml")
    one.snakemake("--cores", "2", *targets)
    return next((checkout.root / "results").iterdir())


def test_open_i_ends_at_the_triplets(tmp_path: Path) -> None:
    corpus = yaml.safe_load(
        (Path(__file__).parents[2] / "config" / "open_i.yaml").read_text()
    )["corpus"]
    corpus["root"] = str(open_i_archive().parent)

    results = run(tmp_path, {"corpus": corpus}, targets=["triplets"])

    tables = results / "tables"
    reports = read_tables(sorted((tables / "reports").glob("*")), schema=REPORTS)
    triplets = read_tables(sorted((tables / "triplets").glob("*")), schema=TRIPLETS)
    rejects = read_tables(
        sorted((tables / "rejects").rglob("*.parquet")), schema=REJECTS
    )
    assert len(reports) == 3955
    # 28 reports have neither findings nor impression (counted on the files).
    assert rejects.group_by("reason").len().rows() == [("empty_report", 28)]
    assert triplets["study_id"].n_unique() > 3800
    assert not (results / "pixels").exists()


def test_real_images_fill_the_pixel_cache_and_broken_ones_are_rejected(
    tmp_path: Path,
) -> None:
    real = reference_data("realcxr/manifest.csv").parent
    manifest = pl.read_csv(real / "manifest.csv", infer_schema=False)
    root = tmp_path / "data"
    for name in manifest["file"]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(real / name)
    jpeg = next(name for name in manifest["file"] if name.endswith(".jpg"))
    (root / jpeg).unlink()
    content = (real / jpeg).read_bytes()
    (root / jpeg).write_bytes(content[: len(content) // 2])
    manifest.write_csv(root / "manifest.csv")
    config = {
        "corpus": {
            "name": "real",
            "source": "table",
            "root": str(root),
            "table": {
                "file": "manifest.csv",
                "columns": {
                    "image_path": "file",
                    "text": "notes",
                    "image_id": "image_id",
                    "patient_id": "patient_id",
                    "view": "view",
                },
            },
        },
        "images": {"size": 96},
        "regions": {"backend": "none"},
    }

    results = run(tmp_path, config, targets=[])

    cache = PixelCache(sorted((results / "pixels").glob("*.parquet")))
    rejects = read_tables(
        sorted((results / "tables" / "rejects").rglob("*.parquet")), schema=REJECTS
    )
    broken_id = manifest.filter(pl.col("file") == jpeg)["image_id"].item()
    assert rejects.select("item_id", "reason").rows() == [(broken_id, "truncated")]
    assert len(cache.image_ids) == len(manifest) - 1 == 897
    mean = cache.read(cache.image_ids).mean()
    assert 50 < mean < 200
    # 63 of the films are "frontal": nobody says whether PA or AP.
    page = (results / "summary" / "data.html").read_text()
    assert "No image is left out by its view." in page
    views = pl.read_csv(results / "summary" / "tables" / "views.csv")
    assert views.select("view", "spelling", "num_images").rows() == [
        ("PA", "PA", 509),
        ("AP", "AP", 326),
        ("FRONTAL", "frontal", 63),
    ]
