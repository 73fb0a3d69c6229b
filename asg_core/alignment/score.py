"""Score alignments against the ground truth of a synthetic corpus."""

from collections.abc import Mapping, Sequence
from functools import partial

import polars as pl

from asg_core.alignment.units import CORNERS, corner_columns, hull_columns
from asg_core.images.geometry import paired_iou
from asg_core.tables.catalog import STAGE_METRICS
from asg_core.tables.stage_metrics import metric_row
from asg_core.terms.existence import Context
from asg_core.terms.regions import REGIONS
from asg_core.terms.stages import Stage
from asg_core.terms.targets import ALL
from asg_core.terms.views import FRONTAL, View

STAGE = Stage.ALIGN_REGIONS

_row = partial(metric_row, STAGE)

_PAIR = ["image_id", "region", "sentence_index"]


def score_alignments(
    *,
    alignments: pl.DataFrame,
    truth_triplets: pl.DataFrame,
    truth_sentences: pl.DataFrame,
    truth_boxes: pl.DataFrame,
    images: pl.DataFrame,
    views: Sequence[View] = FRONTAL,
    contexts: Sequence[Context] = (Context.CURRENT,),
    min_iou: float = 0.5,
) -> pl.DataFrame:
    """Return rows of `stage_metrics`: are the right words with the right box?

    Words: a pair is an image, a region and a sentence of the truth.

        true pairs = for each image, each region with a true box in it, each sentence
                     that truly claims something about that region
        found pairs = for each unit, each of its regions, each sentence of the truth that
                      one of its spans covers
        a span covers a sentence when they share half of the shorter of the two

    Precision, recall and F1 are of found against true pairs, over all and per region. A
    unit of several regions claims all of its words for each of them, so `merge` pays in
    precision for what it joins.

    Boxes: the IoU of a unit's box with the union of the true boxes of its regions, 0
    where none of them has one; its mean, and the share of units with at least `min_iou`,
    over all and per scenario. Without pairs or units a value is null.

    Args:
        alignments: Rows of the table `alignments`.
        truth_triplets: What the reports truly claim, rows of `triplets`.
        truth_sentences: The sentences they are in, rows of `sentences`.
        truth_boxes: Rows of `region_boxes`.
        images: Rows of the table `images`: those that could have been aligned.
        views: Views of the images that count.
        contexts: Contexts of the true claims that count.
        min_iou: A box is right if its IoU is at least this.
    """
    used = images.filter(pl.col("view").cast(pl.String).is_in(views))
    units = alignments.join(used, on="image_id", how="semi")
    true_pairs = _true_pairs(
        truth_triplets, truth_boxes=truth_boxes, images=used, contexts=contexts
    )
    found_pairs = _found_pairs(units, truth_sentences=truth_sentences)
    ious = _ious(units, truth_boxes=truth_boxes)
    rows = [
        *_pair_metrics(true_pairs, found_pairs),
        *_box_metrics(ious, min_iou=min_iou),
        _row("images", ALL, len(used), num_items=len(used)),
        _row("units", ALL, len(units), num_items=len(units)),
    ]
    for scenario in (1, 2, 3):
        count = int((units["scenario"] == scenario).sum())
        target = f"scenario {scenario}"
        rows.append(_row("units", target, count, num_items=len(units)))
    return STAGE_METRICS.frame(rows).sort(STAGE_METRICS.key)


def _true_pairs(
    truth_triplets: pl.DataFrame,
    *,
    truth_boxes: pl.DataFrame,
    images: pl.DataFrame,
    contexts: Sequence[Context],
) -> pl.DataFrame:
    claims = truth_triplets.filter(
        pl.col("context").cast(pl.String).is_in(contexts)
    ).select("study_id", "sentence_index", pl.col("region").cast(pl.String))
    boxed = truth_boxes.select("image_id", pl.col("region").cast(pl.String))
    return (
        images.select("image_id", "study_id")
        .join(claims.unique(), on="study_id")
        .join(boxed, on=["image_id", "region"], how="semi")
        .select(_PAIR)
    )


def _found_pairs(units: pl.DataFrame, *, truth_sentences: pl.DataFrame) -> pl.DataFrame:
    spans = units.select("image_id", "unit_index", "study_id", "spans").explode("spans")
    start = pl.max_horizontal("span_start", "start")
    end = pl.min_horizontal("span_end", "end")
    shorter = pl.min_horizontal(
        pl.col("span_end") - pl.col("span_start"), pl.col("end") - pl.col("start")
    )
    covered = (
        spans.select(
            "image_id",
            "unit_index",
            "study_id",
            span_start=pl.col("spans").struct.field("start"),
            span_end=pl.col("spans").struct.field("end"),
        )
        .join(
            truth_sentences.select("study_id", "sentence_index", "start", "end"),
            on="study_id",
        )
        .filter((end > start) & (2 * (end - start) >= shorter))
        .select("image_id", "unit_index", "sentence_index")
        .unique()
    )
    regions = units.select("image_id", "unit_index", region="regions").explode("region")
    return (
        regions.with_columns(pl.col("region").cast(pl.String))
        .join(covered, on=["image_id", "unit_index"])
        .select(_PAIR)
        .unique()
    )


def _ious(units: pl.DataFrame, *, truth_boxes: pl.DataFrame) -> pl.DataFrame:
    """Return scenario and iou of each unit, against the hull of its true boxes."""
    key = ["image_id", "unit_index"]
    true = truth_boxes.select(
        "image_id", pl.col("region").cast(pl.String), *corner_columns()
    )
    hulls = (
        units.select(*key, region="regions")
        .explode("region")
        .with_columns(pl.col("region").cast(pl.String))
        .join(true, on=["image_id", "region"])
        .group_by(key)
        .agg(hull_columns())
    )
    joined = units.select(*key, "scenario", "box_xyxy").join(hulls, on=key, how="left")
    joined = joined.sort(key)
    # Without a true box a unit is compared with a box of no area, which gives 0.
    true_N4 = joined.select(pl.col(CORNERS).fill_null(0.0)).to_numpy()
    iou = paired_iou(joined["box_xyxy"].to_numpy(), true_N4)
    return joined.select("scenario", iou=pl.Series(iou, dtype=pl.Float64))


def _pair_metrics(
    true_pairs: pl.DataFrame, found_pairs: pl.DataFrame
) -> list[dict[str, object]]:
    hits = found_pairs.join(true_pairs, on=_PAIR, how="semi")
    rows: list[dict[str, object]] = []
    for target in (ALL, *REGIONS):
        is_target = pl.lit(value=True) if target == ALL else pl.col("region") == target
        num_hits, num_found, num_true = (
            len(pairs.filter(is_target)) for pairs in (hits, found_pairs, true_pairs)
        )
        total = num_found + num_true
        if total == 0 and target != ALL:
            continue
        precision = _share(num_hits, num_found)
        recall = _share(num_hits, num_true)
        rows += [
            _row("pair_precision", target, precision, num_items=num_found),
            _row("pair_recall", target, recall, num_items=num_true),
            _row("pair_f1", target, _share(2 * num_hits, total), num_items=total),
        ]
    return rows


def _box_metrics(ious: pl.DataFrame, *, min_iou: float) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    groups: Mapping[str, pl.DataFrame] = {
        ALL: ious,
        **{
            f"scenario {number}": ious.filter(pl.col("scenario") == number)
            for number in (1, 2, 3)
        },
    }
    for target, group in groups.items():
        num_right = int((group["iou"] >= min_iou).sum())
        mean = _share(float(group["iou"].sum()), len(group))
        share = _share(num_right, len(group))
        rows += [
            _row("box_iou_mean", target, mean, num_items=len(group)),
            _row(f"box_iou_{min_iou:g}", target, share, num_items=len(group)),
        ]
    return rows


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None
