"""The job `read_benchmark`: labels, pixels, and what only the look at pixels finds out."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from asg_core.benchmarks.form import load_benchmark
from asg_core.benchmarks.read import read_benchmark
from asg_core.benchmarks.registry import BenchmarksConfig
from asg_core.images.pixel_cache import PixelCache
from asg_core.jobs import Job, RejectLimitError
from asg_core.provenance import ROOT
from asg_core.tables.catalog import REJECTS
from asg_core.tables.schema import read_table

Copied = Callable[[str], Path]


def _script() -> ModuleType:
    path = Path(ROOT) / "workflow" / "scripts" / "read_benchmark.py"
    spec = importlib.util.spec_from_file_location("read_benchmark_script", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _run(name: str, root: Path, out: Path, *, max_reject_share: float) -> None:
    config = {name: {"max_reject_share": max_reject_share}}
    _script().main(
        name=name,
        root=root,
        folder=out,
        rejects=out / "rejects.parquet",
        config=BenchmarksConfig.model_validate(config),
        image_size=32,
        job=Job.silent(),
    )


# pydicom warns of the cut file before it refuses it.
@pytest.mark.filterwarnings("ignore:End of file reached")
@pytest.mark.parametrize("name", ["chexpert", "siim"])
def test_an_image_whose_pixels_cannot_be_decoded_is_rejected_from_every_table(
    name: str, copied: Copied, tmp_path: Path
) -> None:
    root, out = copied(name), tmp_path / "out"
    whole = read_benchmark(name, config=BenchmarksConfig(), root=root)
    broken = whole.benchmark.part("train")[0]
    path = (
        root
        / whole.benchmark.images.filter(pl.col("image_id") == broken)["path"].item()
    )
    # The header says the size still; only decoding finds out.
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])

    _run(name, root, out, max_reject_share=0.2)

    benchmark = load_benchmark(out)
    rejects = read_table(out / "rejects.parquet", schema=REJECTS)
    assert rejects["item_id"].to_list() == [broken]
    assert rejects["stage"].to_list() == ["read_benchmark"]
    for frame in (benchmark.images, benchmark.labels, benchmark.boxes, benchmark.masks):
        assert broken not in set(frame["image_id"])
    cached = PixelCache([out / "pixels.parquet"]).image_ids
    assert set(cached) == set(benchmark.images["image_id"])
    assert benchmark.part("train") == whole.benchmark.part("train")[1:]


def test_too_many_images_without_pixels_stop_the_job(
    copied: Copied, tmp_path: Path
) -> None:
    root = copied("chexpert")
    whole = read_benchmark("chexpert", config=BenchmarksConfig(), root=root)
    for path in whole.benchmark.images["path"][:3]:
        data = (root / path).read_bytes()
        (root / path).write_bytes(data[: len(data) * 3 // 4])

    with pytest.raises(RejectLimitError, match=r"chexpert\.max_reject_share"):
        _run("chexpert", root, tmp_path / "out", max_reject_share=0.05)
    assert not (tmp_path / "out" / "benchmark.json").exists()
