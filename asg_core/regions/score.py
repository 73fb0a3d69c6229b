"""Score predicted boxes against true ones: rows of STAGE_METRICS."""

# Shape suffixes:
#   T = true boxes, P = predicted boxes, D = predicted boxes of one region by rank,
#   O = overlaps that count as a hit, 4 = x0 y0 x1 y1 in the original frame

from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt
import polars as pl

from asg_core.images.geometry import box_area, paired_intersection
from asg_core.regions.found import STAGE
from asg_core.tables.catalog import REGION, STAGE_METRICS
from asg_core.tables.stage_metrics import metric_row
from asg_core.terms.regions import REGIONS
from asg_core.terms.targets import ALL

Floats = npt.NDArray[np.float64]

_row = partial(metric_row, STAGE)

_OVERLAPS_O = np.linspace(0.5, 0.95, 10)
_RECALLS = np.linspace(0.0, 1.0, 101)


def score_boxes(*, predicted: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Compare boxes with the truth, for each region and for all of them.

    Only images with a true box count. The metrics of a region, as loops over its true
    boxes; the predicted box is the one of the same image and region:

        overlaps, inters, unions, found = [], [], [], []
        for true in true boxes:
            found.append(true has a predicted box)
            inter = area shared with the predicted box, 0 without one
            union = area(true) + area(predicted) - inter, area(true) without one
            overlaps.append(inter / union), inters.append(inter), unions.append(union)
        mean_iou = mean(overlaps)
        iou_of_sums = sum(inters) / sum(unions)          # RGRG's metric
        detection_rate = mean(found)

    and the average precision (COCO's, interpolated at 101 recalls) at an overlap:

        hits = [IoU with the true box of its image >= overlap, False without a true box
                for predicted box of the region, by falling score, then image_id]
        precision[n] = hits among the first n / n, recall[n] = the same / num true boxes
        ap = mean over r in 0.00, 0.01, ... 1.00 of
             max(precision[n] for n with recall[n] >= r, 0 without such n)

    `ap50` is at 0.5, `ap50_95` the mean over 0.5, 0.55, ... 0.95. For `all`, mean_iou,
    detection_rate, ap50 and ap50_95 are means over the regions that have true boxes, so
    rare regions count like frequent ones; iou_of_sums sums over all boxes, and
    `regions_found` is the mean number of predicted boxes per image. A region without
    true boxes has undefined metrics over 0 items.

    Args:
        predicted: A frame in REGION_BOXES.
        truth: A frame with at least the columns image_id, region, box_xyxy: of
            REGION_BOXES or ANNOTATED_BOXES.

    Returns:
        A frame in STAGE_METRICS; num_items counts true boxes, for regions_found images.
    """
    images = truth.select("image_id").unique()
    counted = predicted.join(images, on="image_id", how="semi")
    pairs = _pair(counted, truth=truth)
    by_region = {
        region: _score_region(rows) for region, rows in _split_by_region(pairs)
    }
    rows = [
        _row(metric, region, value, num_items=num_true)
        for region, (values, num_true) in by_region.items()
        for metric, value in values.items()
    ]
    scored = [values for values, num_true in by_region.values() if num_true > 0]
    num_true = sum(num for _, num in by_region.values())
    for metric in ("mean_iou", "detection_rate", "ap50", "ap50_95"):
        values = [region[metric] for region in scored]
        rows.append(_row(metric, ALL, _mean(values), num_items=num_true))
    rows.append(_row("iou_of_sums", ALL, _iou_of_sums(pairs), num_items=num_true))
    per_image = len(counted) / len(images) if len(images) else None
    rows.append(_row("regions_found", ALL, per_image, num_items=len(images)))
    return STAGE_METRICS.frame(rows)


def average_precisions(
    score_P: Floats, iou_P: Floats, *, num_true: int, overlaps_O: Floats
) -> Floats:
    """Return the average precision (O,) at each overlap; see `score_boxes`.

    Args:
        score_P: Of the predicted boxes of one region; equal scores rank in this order.
        iou_P: With the true box of the same image, 0 without one.
        num_true: Number of true boxes, greater than 0.
        overlaps_O: What counts as a hit.
    """
    order_D = np.argsort(-score_P, kind="stable")
    is_hit_OD = iou_P[order_D][None, :] >= overlaps_O[:, None]
    hits_OD = is_hit_OD.cumsum(axis=1)
    precision_OD = hits_OD / np.arange(1, len(order_D) + 1)
    # The best precision at this recall or a greater one.
    best_OD = np.maximum.accumulate(precision_OD[:, ::-1], axis=1)[:, ::-1]
    padded = np.concatenate([best_OD, np.zeros((len(overlaps_O), 1))], axis=1)
    first_hits = np.ceil(_RECALLS * num_true - 1e-9)
    return np.array(
        [
            padded[row, np.searchsorted(hits_OD[row], first_hits)].mean()
            for row in range(len(overlaps_O))
        ]
    )


def _pair(predicted: pl.DataFrame, *, truth: pl.DataFrame) -> pl.DataFrame:
    """Return one row per true or predicted box: region, score, areas, intersection.

    What is missing has a null score or a null true area. Rows are in order of image_id.
    """
    keys = ["image_id", "region"]
    true_boxes = truth.select(*keys, pl.col("box_xyxy").alias("true_xyxy"))
    found = predicted.select(*keys, pl.col("box_xyxy").alias("found_xyxy"), "score")
    pairs = true_boxes.join(found, on=keys, how="full", coalesce=True).sort(keys)
    nowhere = pl.lit([0.0] * 4, dtype=pl.Array(pl.Float32, 4))
    true_N4 = pairs["true_xyxy"].is_null()
    boxes = pairs.select(pl.col("true_xyxy", "found_xyxy").fill_null(nowhere))
    true_T4 = boxes["true_xyxy"].to_numpy().astype(np.float64)
    found_T4 = boxes["found_xyxy"].to_numpy().astype(np.float64)
    inter_T = paired_intersection(true_T4, found_T4)
    return pairs.select(
        "region",
        "score",
        is_true=~true_N4,
        inter=pl.Series(inter_T),
        union=pl.Series(box_area(true_T4) + box_area(found_T4) - inter_T),
    )


def _split_by_region(pairs: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    by_region = pairs.with_columns(pl.col("region").cast(REGION)).partition_by(
        "region", as_dict=True
    )
    for region in REGIONS:
        yield region, by_region.get((region,), pairs.clear())


def _score_region(rows: pl.DataFrame) -> tuple[dict[str, float | None], int]:
    """Return the metrics of one region by name, and its number of true boxes."""
    true_rows = rows.filter("is_true")
    num_true = len(true_rows)
    names = ("mean_iou", "iou_of_sums", "detection_rate", "ap50", "ap50_95")
    if num_true == 0:
        return dict.fromkeys(names), 0
    found = rows.filter(pl.col("score").is_not_null())
    ap_O = average_precisions(
        found["score"].to_numpy().astype(np.float64),
        np.where(found["is_true"].to_numpy(), _iou(found), 0.0),
        num_true=num_true,
        overlaps_O=_OVERLAPS_O,
    )
    is_found = true_rows["score"].is_not_null()
    values = (
        float(_iou(true_rows).mean()),
        _iou_of_sums(rows),
        float(is_found.sum()) / num_true,
        float(ap_O[0]),
        float(ap_O.mean()),
    )
    return dict(zip(names, values, strict=True)), num_true


def _iou(rows: pl.DataFrame) -> Floats:
    union = rows["union"].to_numpy()
    inter = rows["inter"].to_numpy()
    return np.divide(inter, union, out=np.zeros_like(inter), where=union > 0)


def _iou_of_sums(rows: pl.DataFrame) -> float | None:
    sums = rows.filter("is_true").select(pl.col("inter", "union").sum()).row(0)
    return float(sums[0]) / float(sums[1]) if sums[1] > 0 else None


def _mean(values: list[float | None]) -> float | None:
    numbers = [value for value in values if value is not None]
    return sum(numbers) / len(numbers) if numbers else None
