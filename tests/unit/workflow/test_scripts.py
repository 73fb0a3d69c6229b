"""Which rows of its tables a script hands to the package: what no rule and no module says."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest

from asg_core.jobs import Job
from asg_core.tables.catalog import (
    ANNOTATED_BOXES,
    IMAGES,
    REGION_BOXES,
    REPORTS,
    SENTENCES,
    STAGE_METRICS,
    STUDIES,
    TRIPLETS,
)
from asg_core.tables.schema import TableSchema, write_table
from support.checkout import ROOT

SPLITS = {"s1": "train", "s2": "validate", "s3": "test"}


def script(name: str) -> ModuleType:
    path = ROOT / "workflow" / "scripts" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def some_value(dtype: Any) -> object:  # noqa: ANN401 - Polars has no type for types
    """Return any value of a type; of a list four, as boxes have."""
    if isinstance(dtype, pl.Enum):
        return dtype.categories[0]
    if isinstance(dtype, pl.List | pl.Array):
        return [some_value(dtype.inner)] * 4
    if isinstance(dtype, pl.Struct):
        return {field.name: some_value(field.dtype) for field in dtype.fields}
    return {pl.String: "x", pl.Float32: 0.5, pl.Float64: 0.5, pl.Boolean: True}.get(
        dtype, 1
    )


def written(folder: Path, schema: TableSchema, *rows: dict[str, object]) -> list[Path]:
    """Write a table whose other columns hold anything; return its only shard."""
    anything = {name: some_value(dtype) for name, dtype in schema.columns.items()}
    path = folder / f"{schema.name}-{len(list(folder.iterdir()))}.parquet"
    write_table(schema.frame(anything | row for row in rows), path, schema=schema)
    return [path]


def of_studies(folder: Path, schema: TableSchema) -> list[Path]:
    """Write a row for each study: its image is called after it, and so is its text."""
    rows: list[dict[str, object]] = []
    for study, split in SPLITS.items():
        row = {
            "study_id": study,
            "image_id": f"image of {study}",
            "text": f"text of {study}",
            "split": split,
        }
        rows.append({key: row[key] for key in row if key in schema.columns})
    return written(folder, schema, *rows)


def test_the_tokenizer_learns_from_studies_of_the_split_train_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_tokenizer = script("train_tokenizer")
    read: list[str] = []
    monkeypatch.setattr(
        train_tokenizer, "train_tokenizer", lambda texts, **_: read.extend(texts)
    )

    train_tokenizer.main(
        sentences=of_studies(tmp_path, SENTENCES),
        studies=of_studies(tmp_path, STUDIES),
        tokenizer=tmp_path / "tokenizer.json",
        config=None,
        job=Job.silent(),
    )

    assert read == ["text of s1"]


@pytest.mark.parametrize("is_truth", [True, False])
def test_boxes_are_scored_in_images_that_the_detector_was_not_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_truth: bool
) -> None:
    score_boxes = script("score_boxes")
    given: dict[str, pl.DataFrame] = {}

    def score(**frames: pl.DataFrame) -> pl.DataFrame:
        given.update(frames)
        return STAGE_METRICS.empty()

    monkeypatch.setattr(score_boxes, "score_boxes", score)

    score_boxes.main(
        tables={
            "studies": of_studies(tmp_path, STUDIES),
            "images": of_studies(tmp_path, IMAGES),
            "region_boxes": of_studies(tmp_path, REGION_BOXES),
            "reference_boxes": of_studies(
                tmp_path, REGION_BOXES if is_truth else ANNOTATED_BOXES
            ),
        },
        metrics=tmp_path / "metrics.parquet",
        is_truth=is_truth,
        job=Job.silent(),
    )

    held_out = ["image of s2", "image of s3"]
    assert {name: frame["image_id"].to_list() for name, frame in given.items()} == {
        "predicted": held_out,
        "truth": held_out,
    }


def test_a_report_that_was_lost_on_the_way_is_no_loss_of_the_parser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score_triplets = script("score_triplets")
    given: dict[str, Any] = {}

    def score(**arguments: object) -> pl.DataFrame:
        given.update(arguments)
        return STAGE_METRICS.empty()

    monkeypatch.setattr(score_triplets, "score_triplets", score)

    score_triplets.main(
        tables={
            "reports": written(tmp_path, REPORTS, {"study_id": "s2"}),
            **{
                f"{of}{name}": of_studies(tmp_path, schema)
                for of in ("", "truth_")
                for name, schema in (("triplets", TRIPLETS), ("sentences", SENTENCES))
            },
        },
        metrics=tmp_path / "metrics.parquet",
        job=Job.silent(),
    )

    assert given["num_reports"] == 1
    for name in ("truth_triplets", "truth_sentences"):
        assert given[name]["study_id"].to_list() == ["s2"]
    assert len(given["predicted_triplets"]) == len(given["predicted_sentences"]) == 3
