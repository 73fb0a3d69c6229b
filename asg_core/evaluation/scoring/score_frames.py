"""Scores as arrays, and as the tables SCORES and SEGMENTATION_SCORES."""

# Shape suffixes: N = images, T = targets

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from asg_core.evaluation.scoring.fits import Draw, Subject
from asg_core.evaluation.scoring.pixel_counts import PixelCounts
from asg_core.tables.catalog import SCORES, SEGMENTATION_SCORES
from asg_core.tables.schema import TableSchema

Scores = npt.NDArray[np.float32]


def score_frame(
    score_NT: Scores,
    truth_NT: Scores,
    *,
    image_ids: Sequence[str],
    targets: Sequence[str],
    subject: Subject,
    draw: Draw,
) -> pl.DataFrame:
    """Return SCORES: a row for every image and target that has a label.

    Args:
        score_NT: Higher is more likely present.
        truth_NT: 1, 0, or NaN where unlabelled.
        image_ids: Of the rows.
        targets: Of the columns.
        subject: Whose scores they are.
        draw: What the fit learnt from.
    """
    is_labelled_NT = ~np.isnan(truth_NT)
    rows, columns = np.nonzero(is_labelled_NT)
    values = {
        **draw.columns(subject),
        "image_id": np.array(image_ids, dtype=object)[rows].tolist(),
        "target": np.array(targets, dtype=object)[columns].tolist(),
        "score": score_NT[is_labelled_NT],
        "truth": truth_NT[is_labelled_NT],
    }
    return _frame(values, schema=SCORES)


def segmentation_frame(
    counts: PixelCounts,
    image_ids: Sequence[str],
    *,
    target: str,
    subject: Subject,
    draw: Draw,
) -> pl.DataFrame:
    """Return SEGMENTATION_SCORES of one fit, a row for each image."""
    values = {
        **draw.columns(subject),
        "image_id": list(image_ids),
        "target": target,
        "num_predicted": counts.predicted_N,
        "num_true": counts.true_N,
        "num_shared": counts.shared_N,
    }
    return _frame(values, schema=SEGMENTATION_SCORES)


def score_arrays(
    frame: pl.DataFrame, *, image_ids: Sequence[str], targets: Sequence[str]
) -> tuple[Scores, Scores]:
    """Return the scores and the truth (N, T) of one fit; NaN where there is no row.

    Args:
        frame: Rows of SCORES of one benchmark, protocol, encoder, fraction and seed.
        image_ids: Of the rows of the result.
        targets: Of its columns.

    Raises:
        ValueError: If a row is of another image or target.
    """
    row_of = {image_id: row for row, image_id in enumerate(image_ids)}
    column_of = {target: column for column, target in enumerate(targets)}
    score_NT = np.full((len(row_of), len(column_of)), np.nan, dtype=np.float32)
    truth_NT = score_NT.copy()
    rows = [row_of.get(image_id, -1) for image_id in frame["image_id"]]
    columns = [column_of.get(target, -1) for target in frame["target"]]
    unknown = sum(min(pair) < 0 for pair in zip(rows, columns, strict=True))
    if unknown:
        raise ValueError(
            f"score_arrays: expected scores of {len(row_of)} images and the targets "
            f"{list(targets)}, found {unknown} rows of others; the scores are not of "
            "this benchmark as it is now"
        )
    score_NT[rows, columns] = frame["score"].to_numpy()
    truth_NT[rows, columns] = frame["truth"].to_numpy()
    return score_NT, truth_NT


def _frame(values: Mapping[str, object], *, schema: TableSchema) -> pl.DataFrame:
    texts = {"image_id": pl.String, "target": pl.String}
    frame = pl.DataFrame(values, schema_overrides=texts)
    return frame.cast(pl.Schema(schema.columns)).select(list(schema.columns))
