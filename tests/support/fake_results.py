"""The results of a small run that never happened: every kind of file the summary reads.

By hand, to look at the pages: PYTHONPATH=tests .venv/bin/python -m support.fake_results FOLDER
"""

import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from asg_core.summary.build import build_summary
from asg_core.summary.config import SummaryConfig
from asg_core.summary.inputs import SummaryInputs
from asg_core.tables.catalog import (
    HISTORY,
    METRICS,
    REJECTS,
    STAGE_METRICS,
)
from asg_core.tables.schema import write_table
from support.fake_corpus import write_corpus

ENCODERS = ("full", "ira", "random", "pixels")
FRACTIONS = (0.01, 0.1, 1.0)
_ROWS = {
    "studies": 1204,
    "images": 1511,
    "reports": 1198,
    "sentences": 7411,
    "triplets": 14903,
    "region_boxes": 33870,
    "alignments": 8122,
    "tag_targets": 9466,
}
_CONFIG = {
    "corpus": {"name": "fake", "source": "synthetic"},
    "images": {"views": ["PA", "AP", "FRONTAL"]},
    "evaluation": {
        "encoders": {
            "full": {"kind": "run", "run": "full"},
            "ira": {"kind": "run", "run": "ira"},
            "random": {"kind": "random", "run": "full"},
            "pixels": {"kind": "pixels", "pretrained_on": []},
        }
    },
}


def fake_results(folder: Path) -> SummaryInputs:
    """Write all files below `folder` and return what the summary needs of them."""
    tables, pixels = write_corpus(folder)
    return SummaryInputs(
        corpus="fake",
        stage_metrics=[_write_stage_metrics(folder)],
        tables=tables,
        rejects=[_write_rejects(folder)],
        runs={name: _write_run(folder, name) for name in ("full", "ira")},
        evaluations=list(_write_evaluations(folder)),
        timings=_write_timings(folder),
        pixels=pixels,
        config=_CONFIG,
        code_digests={"align_regions": "0123456789abcdef"},
    )


def without_results(inputs: SummaryInputs) -> SummaryInputs:
    """Return the inputs of a run that ended at the triplets."""
    kept = {
        name: paths
        for name, paths in inputs.tables.items()
        if name not in ("region_boxes", "alignments")
    }
    return replace(inputs, tables=kept, runs={}, evaluations=[], pixels=[])


def fake_metrics() -> pl.DataFrame:
    """Return METRICS of four encoders on three benchmarks, one point undefined."""
    rows = [
        row
        for benchmark, protocol, metric, floor in (
            ("nih", "linear-cached", "auc", 0.5),
            ("nih", "zero-shot-tags", "auc", 0.5),
            ("covidx", "linear-cached", "accuracy", 0.62),
            ("rsna", "segmentation-cached", "dice", 0.66),
            ("rsna", "segmentation-cached", "dice_positive", 0.41),
        )
        for encoder in _encoders_of(protocol)
        for row in _points(benchmark, protocol, metric, floor, encoder=encoder)
    ]
    return METRICS.frame(rows)


def _encoders_of(protocol: str) -> tuple[str, ...]:
    return ("full", "ira") if protocol.startswith("zero") else ENCODERS


def _points(
    benchmark: str, protocol: str, metric: str, floor: float, *, encoder: str
) -> Iterator[dict[str, object]]:
    targets = {"Effusion": 41, "Hernia": 0} if metric == "auc" else {"opacity": 60}
    is_zero_shot = protocol.startswith("zero")
    for fraction in (0.0,) if is_zero_shot else FRACTIONS:
        for seed in range(1 if fraction in (0.0, 1.0) else 3):
            point = {
                "benchmark": benchmark,
                "protocol": protocol,
                "encoder": encoder,
                "fraction": fraction,
                "seed": seed,
                "metric": metric,
                "floor": floor,
                "num_items": 300,
                "num_train": round(900 * fraction),
                "split": "as-distributed",
                "test_digest": "00c0ffee00c0ffee",
            }
            value = _value(floor, encoder=encoder, fraction=fraction or 0.1, seed=seed)
            for target, num_positive in {"all": None, **targets}.items():
                is_defined = num_positive != 0
                yield point | {
                    "target": target,
                    "value": value if is_defined else None,
                    "ci_low": value - 0.031 if is_defined else None,
                    "ci_high": value + 0.027 if is_defined else None,
                    "num_positive": num_positive,
                    "num_train_positive": None
                    if num_positive is None
                    else round(3 * num_positive * fraction),
                    "reason": None if is_defined else "no positive test image",
                }


def _value(floor: float, *, encoder: str, fraction: float, seed: int) -> float:
    skill = {"full": 0.30, "ira": 0.26, "random": 0.1, "pixels": -0.02}[encoder]
    return floor + skill * (0.7 + 0.15 * math.log10(100 * fraction)) + 0.004 * seed


def _write_evaluations(folder: Path) -> Iterator[Path]:
    metrics = fake_metrics()
    for (encoder, benchmark), rows in metrics.group_by(
        "encoder", "benchmark", maintain_order=True
    ):
        place = folder / "evaluation" / str(encoder) / str(benchmark)
        write_table(rows, place / "metrics.parquet", schema=METRICS)
        has_text = encoder in ("full", "ira")
        reason = "the encoder has no text side"
        notes = {
            "benchmark": benchmark,
            "encoder": encoder,
            "not_applicable": [] if has_text else [["zero-shot-tags", reason]],
            "split": "as-distributed",
            "counts": {"train": 900, "validate": 100, "test": 300},
            "notes": ["the decoder is trained, the encoder is not"],
            "overlaps": {"train and test": {"images": 0, "patients": 0}},
        }
        (place / "notes.json").write_text(json.dumps(notes), encoding="utf-8")
        yield place


def _write_stage_metrics(folder: Path) -> Path:
    rows: list[tuple[str, str, str, float | None, int]] = [
        ("tables", "rows", name, float(n), n) for name, n in _ROWS.items()
    ]
    rows += [
        ("extract_triplets", "joint_precision", "all", 0.953, 14903),
        ("extract_triplets", "joint_recall", "all", 0.917, 15480),
        ("extract_triplets", "joint_precision", "edema", 0.88, 402),
        ("extract_triplets", "joint_precision", "stent", None, 0),
        ("detect_regions", "mean_iou", "all", 0.741, 8040),
        ("detect_regions", "regions_found", "all", 28.4, 290),
        ("align_regions", "pair_f1", "all", 0.902, 20114),
    ]
    names = ("stage", "metric", "target", "value", "num_items")
    path = folder / "tables" / "stage_metrics" / "all.parquet"
    frame = STAGE_METRICS.frame(dict(zip(names, row, strict=True)) for row in rows)
    write_table(frame, path, schema=STAGE_METRICS)
    return path


def _write_rejects(folder: Path) -> Path:
    rows = [
        ("read_source", "study-secret-1", "no_report", "study-secret-1: no file"),
        ("cache_pixels", "image-secret-1", "truncated", "secret-1.jpg: breaks off"),
        ("cache_pixels", "image-secret-2", "truncated", "secret-2.jpg: breaks off"),
    ]
    names = ("stage", "item_id", "reason", "detail")
    path = folder / "tables" / "rejects" / "all.parquet"
    frame = REJECTS.frame(dict(zip(names, row, strict=True)) for row in rows)
    write_table(frame, path, schema=REJECTS)
    return path


def _write_run(folder: Path, name: str) -> Path:
    place = folder / "runs" / name
    start = 4.0 if name == "full" else 2.2
    curves = {
        "train/loss": start,
        "validate/loss": start * 1.05,
        "train/image_report": 1.9,
        "validate/image_report": 2.0,
    }
    rows = [
        {"step": step, "metric": metric, "value": top * math.exp(-step / 300) + 0.2}
        for metric, top in curves.items()
        for step in range(10, 801, 10 if metric.startswith("train") else 100)
    ]
    rows += [
        {"step": step, "metric": metric, "value": value(step)}
        for step in range(100, 801, 100)
        for metric, value in (
            ("validate/tag_map", lambda step: 0.7 - 0.5 * math.exp(-step / 250)),
            ("validate/image_to_report_at_1", lambda step: step / 1600),
            ("train/learning_rate", lambda step: 4e-5 * math.sin(math.pi * step / 800)),
        )
    ]
    write_table(HISTORY.frame(rows), place / "history.parquet", schema=HISTORY)
    weights = {"image_report": 1.0, "tags": 5.0 if name == "full" else 0.0}
    run = {
        "format": 1,
        "kind": "asg_model",
        "run": name,
        "model": {"image_encoder": {"name": "vit_tiny", "size": 128}},
        "settings": {"losses": weights, "batch_size": 32, "seed": 42},
        "num_images": 1204,
        "steps": 800,
        "best_step": 700,
        "kept_step": 700,
        "seconds": 251.7,
        "throughput": {"images_per_second": 101.4, "data_wait_share": 0.013},
        "versions": {"torch": "2.14.0"},
    }
    (place / "run.json").write_text(json.dumps(run), encoding="utf-8")
    return place


def _write_timings(folder: Path) -> Path:
    place = folder / "timings"
    heads = "s\th:m:s\tmax_rss\tmax_vms"
    for rule, jobs in {
        "extract_triplets": [(12.5, 410.2), (13.1, 415.0)],
        "pretrain_encoders": [(251.7, 1830.9)],
        "build_summary": [(1.0, 1.0)],
    }.items():
        (place / rule).mkdir(parents=True)
        for index, (seconds, memory) in enumerate(jobs):
            line = f"{seconds}\t0:00:12\t{memory}\tNA"
            (place / rule / f"{index}.tsv").write_text(f"{heads}\n{line}\n")
    (place / "extract_triplets" / "empty.tsv").write_text(f"{heads}\nNA\tNA\tNA\tNA\n")
    return place


def build(
    inputs: SummaryInputs,
    out: Path,
    *,
    is_synthetic: bool = True,
    may_export_examples: bool = True,
    config: SummaryConfig | None = None,
    sheet_names: Sequence[str] = (),
) -> Path:
    """Build a summary and return its folder."""
    index = build_summary(
        inputs=inputs,
        out=out,
        config=config or SummaryConfig(),
        is_synthetic=is_synthetic,
        may_export_examples=may_export_examples,
        sheet_names=sheet_names,
    )
    assert index == out / "index.html"
    return out


def main() -> None:
    """Write the results and their summary below the folder that is named."""
    folder = Path(sys.argv[1])
    summary = build(fake_results(folder / "results"), folder / "summary")
    sys.stdout.write(f"{summary / 'index.html'}\n")


if __name__ == "__main__":
    main()
