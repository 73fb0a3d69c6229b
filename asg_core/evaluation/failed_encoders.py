"""An encoder that cannot be evaluated: said in its results, so that others have theirs.

A failure is no result. It takes the place of one until the end of the run, for the pages
and the printed table; then `remove_failed` takes it away, and the next run tries again.
"""

import json
from collections.abc import Collection, Sequence
from pathlib import Path

import polars as pl

from asg_core.redaction import redact, without_folders
from asg_core.tables.catalog import REJECTS
from asg_core.terms.stages import Stage

STAGE = Stage.EVALUATE_ENCODER
REASON = "encoder_failed"

_MAX_LENGTH = 400
_KEY = "failure"
_MARK = b'{"failur'  # eight bytes, where features begin with a length: not of this size
_RESULTS = ("metrics", "scores", "segmentation_scores")


def describe_failure(error: BaseException, *, hidden: Collection[str]) -> str:
    """Return what went wrong in one line.

    Args:
        error: What was raised.
        hidden: Ids of images, which must not leave the results folder: a message that
            names one is left out.
    """
    name = type(error).__name__
    lines = str(error).strip().splitlines()
    message = " ".join(line.strip() for line in lines)[: 10 * _MAX_LENGTH]
    message = without_folders(redact(message))[:_MAX_LENGTH]
    if not message or any(image_id in message for image_id in hidden):
        return f"{name}; the log of the job says more"
    return f"{name}: {message}"


def write_failure(path: Path, *, reason: str) -> None:
    """Write a file in the place of features that could not be made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({_KEY: reason}), encoding="utf-8")


def read_failure(path: Path) -> str | None:
    """Return why there are no features; None where there are some."""
    with path.open("rb") as file:
        if file.read(len(_MARK)) != _MARK:
            return None
    return str(json.loads(path.read_text(encoding="utf-8"))[_KEY])


def failure_rejects(
    reason: str | None, *, encoder: str, benchmark: str
) -> pl.DataFrame:
    """Return the failure as a row of REJECTS; no reason gives no row."""
    row = {
        "stage": STAGE,
        "item_id": f"{encoder}/{benchmark}",
        "reason": REASON,
        "detail": reason,
    }
    return REJECTS.frame([] if reason is None else [row])


def failed_evaluations(folders: Sequence[Path]) -> dict[tuple[str, str], str]:
    """Return why encoders failed, by encoder and benchmark.

    Args:
        folders: `evaluation/<encoder>/<benchmark>` of the results, made or not.
    """
    failed = {}
    for folder in folders:
        notes = folder / "notes.json"
        # Notes outlive the results of a failure: they are its record.
        if not (folder / "metrics.parquet").exists() or not notes.exists():
            continue
        values = json.loads(notes.read_text(encoding="utf-8"))
        if values.get(_KEY):
            failed[(values["encoder"], values["benchmark"])] = str(values[_KEY])
    return failed


def remove_failed(folder: Path, *, features: Path) -> None:
    """Remove what stands in the place of results, so that the next run makes them.

    Args:
        folder: `evaluation/<encoder>/<benchmark>` of an encoder that failed.
        features: The file of its features; it stays where it holds some.
    """
    for name in _RESULTS:
        (folder / f"{name}.parquet").unlink(missing_ok=True)
    if features.exists() and read_failure(features) is not None:
        features.unlink()


def failure_sentence(failed: Collection[tuple[str, str]], *, num_encoders: int) -> str:
    """Return which encoders failed, on which benchmarks, in one sentence."""
    by_encoder: dict[str, list[str]] = {}
    for encoder, benchmark in failed:
        by_encoder.setdefault(encoder, []).append(benchmark)
    parts = [f"{name} on {', '.join(found)}" for name, found in by_encoder.items()]
    return (
        f"{len(by_encoder)} of {num_encoders} encoders failed: {'; '.join(parts)}. The "
        "others have their results; the next run tries the failed ones again."
    )
