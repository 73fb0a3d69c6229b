"""A few items of each data set, read as a run reads them.

Every test is there twice: of the synthetic world's files, and (`make test-data`) of the
files that the environment variable ASG_DATA leads to; docs/data_access.md.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Literal

import polars as pl
import pytest

from asg_core.benchmarks.form import Benchmark
from asg_core.benchmarks.layout import image_files
from asg_core.benchmarks.read import read_benchmark
from asg_core.benchmarks.reader_registry import find_benchmark
from asg_core.benchmarks.registry import BENCHMARKS, BenchmarksConfig
from asg_core.images.cache_pixels import cache_pixels
from asg_core.images.config import ImagesConfig
from asg_core.images.decode import decode_image
from asg_core.images.pixel_cache import PixelCache
from asg_core.reports.parse import parse_reports
from asg_core.sources.annotations.config import AnnotationsConfig
from asg_core.sources.annotations.read import read_annotations
from asg_core.sources.inventory import check_annotations, check_source
from asg_core.sources.read import read_source
from asg_core.sources.registry import CorpusConfig
from asg_core.sources.shard import SourceTables
from asg_core.synthetic.config import SyntheticConfig
from asg_core.synthetic.make import make_synthetic
from asg_core.tables.catalog import SPLITS
from asg_core.terms.views import View

JPG, REPORTS, BOXES = "mimic-cxr-jpg", "mimic-cxr", "chest-imagenome"
BENCHMARK_FOLDER = "benchmarks"


@dataclass(frozen=True, slots=True)
class Data:
    """The folder that config/mimic_cxr.yaml calls data, and the benchmarks beside it."""

    root: Path

    def folder(self, *names: str) -> Path:
        """Return a folder of the data, or skip the test."""
        found = self.root.joinpath(*names)
        if not found.is_dir():
            pytest.skip(f"ASG_DATA has no folder {'/'.join(names)}")
        return found

    def read(self, part: Literal["images", "reports"]) -> SourceTables:
        """Read some sixteen patients of MIMIC-CXR."""
        self.folder(REPORTS)
        patients = len(list(self.folder(JPG).glob("files/p*/p*")))
        config = CorpusConfig.model_validate(
            {
                "name": "mimic_cxr",
                "source": "mimic_cxr",
                "root": self.root,
                "shards": max(1, patients // 16),
                "mimic_cxr": {"image_folder": JPG, "report_path": REPORTS},
            }
        )
        check_source(config, self.root)
        return read_source(config=config, root=self.root, shard=0, part=part)


@pytest.fixture(
    scope="module", params=["synthetic", pytest.param("real", marks=pytest.mark.data)]
)
def data(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Data:
    if request.param == "real":
        named = os.environ.get("ASG_DATA")
        if named is None:
            pytest.skip("ASG_DATA names no folder with data sets: docs/data_access.md")
        return Data(Path(named))
    root = tmp_path_factory.mktemp("data")
    config = SyntheticConfig(
        patients=10,
        image_size=96,
        benchmark_image_size=64,
        broken_files=0,
        benchmark_images=30,
    )
    source = root / "source"
    make_synthetic(
        config=config, root=source, truth=root / "truth", num_shards=1, num_processes=1
    )
    for name in (JPG, REPORTS, BOXES):
        (root / name).symlink_to(source)
    (root / BENCHMARK_FOLDER).symlink_to(source / BENCHMARK_FOLDER)
    return Data(root)


def test_images_of_mimic_cxr_are_where_its_metadata_say(
    data: Data, tmp_path: Path
) -> None:
    tables = data.read("images")

    assert tables.rejects.is_empty()
    assert tables.studies["study_id"].is_unique().all()
    assert set(tables.images["study_id"]) <= set(tables.studies["study_id"])
    assert set(tables.studies["split"]) <= set(SPLITS)
    assert {"PA", "AP"} & set(tables.images["view"])
    few = tables.images.head(8)
    cached = cache_pixels(
        few,
        root=data.root,
        path=tmp_path / "pixels",
        config=ImagesConfig(size=64, views=tuple(View)),
    )
    assert cached.rejects.is_empty()
    assert_are_films(tmp_path / "pixels", few["image_id"].to_list())


def assert_are_films(path: Path, image_ids: Collection[str]) -> None:
    cache = PixelCache([path])
    assert set(cache.image_ids) == set(image_ids)
    for pixels_SS in cache.read(cache.image_ids):
        assert 10 < pixels_SS.mean() < 245
        assert pixels_SS.std() > 10


def test_reports_of_mimic_cxr_make_claims(data: Data) -> None:
    tables = data.read("reports")

    assert len(tables.reports) > 5
    assert set(tables.reports["study_id"]) <= set(
        data.read("images").studies["study_id"]
    )
    parsed = parse_reports(tables.reports)
    with_claims = parsed.triplets["study_id"].n_unique()
    assert with_claims > 0.9 * len(tables.reports)
    assert {"present", "absent"} <= set(parsed.triplets["existence"])


def test_boxes_of_chest_imagenome_lie_on_their_films(data: Data) -> None:
    folder = data.folder(BOXES)
    config = AnnotationsConfig(source="chest_imagenome")
    check_annotations(config, folder)
    tables = data.read("images")

    found = read_annotations(
        config=config, root=folder, images=tables.images, studies=tables.studies
    )

    boxes = found.annotated_boxes.join(tables.images, on="image_id")
    assert len(boxes) == len(found.annotated_boxes) > 100
    x0, y0, x1, y1 = (pl.col("box_xyxy").arr.get(place) for place in range(4))
    is_inside = (
        (x0 >= 0) & (y0 >= 0) & (x1 <= pl.col("width")) & (y1 <= pl.col("height"))
    )
    assert boxes.select((is_inside & (x0 < x1) & (y0 < y1)).all()).item()
    middle = boxes.group_by("region").agg(((x0 + x1) / 2 / pl.col("width")).mean())
    places = dict(middle.rows())
    # The right lung is the patient's, so it is on the left of a film.
    assert places["right lung"] < 0.5 < places["left lung"]
    assert boxes["region"].n_unique() > 20


@pytest.mark.parametrize("name", sorted(BENCHMARKS))
def test_a_benchmark_has_labels_in_all_parts_and_films(data: Data, name: str) -> None:
    root = data.folder(BENCHMARK_FOLDER, name)
    config = BenchmarksConfig()

    # The sizes of a hundred thousand films would take an hour.
    benchmark = read_benchmark(
        name, config=config, root=root, require_images=False
    ).benchmark

    assert_parts_are_labelled(benchmark)
    layout = find_benchmark(name, config=config, root=root)
    assert layout.missing_folders == ()
    paths = dict(islice(image_files(layout, root=root), 8))
    known = {PurePosixPath(path).stem for path in benchmark.images["path"]}
    named = [path for path in paths if PurePosixPath(path).stem in known]
    assert len(named) > len(paths) / 2
    for path in paths.values():
        pixels_HW = decode_image(path, size=64).pixels_HW
        assert pixels_HW.std() > 5


def assert_parts_are_labelled(benchmark: Benchmark) -> None:
    split_of = benchmark.images.select("image_id", "split")
    labels = benchmark.labels.join(split_of, on="image_id")
    assert set(labels["split"]) == {"train", "validate", "test"}
    assert set(labels["target"]) == set(benchmark.targets)
    values = labels.group_by("target").agg(pl.col("value").n_unique())
    # Of few images some have no rare finding.
    share = 1 if len(split_of) > 10_000 else 0.6
    assert len(values.filter(pl.col("value") >= 2)) >= share * len(values)
    if benchmark.segmentation_target is not None:
        assert len(benchmark.masks) + len(benchmark.boxes) > 0
