"""From what is measured to rows of METRICS: values, intervals, means over targets."""

# Shape suffixes: N = images of a part, R = resamples

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from asg_core.evaluation.scoring.bootstrap import Resamples, Values, Weights, interval
from asg_core.evaluation.scoring.fits import Draw
from asg_core.terms.targets import ALL

UNDEFINED = "undefined"

NAMED_TARGETS = 4
"""Most targets that a reason names."""

Compute = Callable[[Weights], Mapping[str, Values]]
"""Weights of the images (N, R) -> one value of each metric in each resample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some test images, and the metrics of one target over them."""

    target: str
    rows_N: npt.NDArray[np.int64]
    """Places of the images in the test part, that of the resamples."""

    num_positive: int | None
    floors: Mapping[str, float | None]
    """Metric -> what needs no image at all scores; its keys are the metrics."""

    compute: Compute | None
    """None where every metric is undefined."""

    reasons: Mapping[str, str] = field(default_factory=dict)
    """Metric -> why it is undefined, or what its value leaves out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A mean over the parts of some targets, as a target of its own."""

    target: str = ALL
    over: tuple[str, ...]
    floors: Mapping[str, float | None] = field(default_factory=dict)
    """Of the mean, where it is not the mean of the floors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """One metric of one part, NaN where undefined."""

    value: float
    value_R: Values


def measure(
    parts: Sequence[Part],
    means: Sequence[Mean],
    *,
    resamples: Resamples,
    draw: Draw,
    common: Mapping[str, object],
) -> list[dict[str, object]]:
    """Return rows of METRICS: every metric of every part, then of every mean.

    A mean is over the targets for which the metric is defined, and its reason says how
    many that is when it is not all. In a resample in which a target is undefined (no
    positive was drawn) the mean is over the others there. Intervals are over the
    resamples with a value.

    Args:
        parts: One for each target.
        means: Which means are taken.
        resamples: Of the patients of the test part.
        draw: What the fit learnt from.
        common: Columns that all rows share.
    """
    measured = {part.target: _measure_part(part, resamples) for part in parts}
    rows = [
        _row(
            common,
            draw=draw,
            metric=metric,
            target=part.target,
            found=measured[part.target][metric],
            floor=floor,
            num_items=len(part.rows_N),
            num_positive=part.num_positive,
            reason=part.reasons.get(metric),
        )
        for part in parts
        for metric, floor in part.floors.items()
    ]
    return rows + [
        _mean_row(
            [
                part
                for part in parts
                if part.target in mean.over and metric in part.floors
            ],
            measured,
            mean=mean,
            metric=metric,
            draw=draw,
            common=common,
        )
        for mean in means
        for metric in _metrics_of([part for part in parts if part.target in mean.over])
    ]


def _metrics_of(parts: Sequence[Part]) -> list[str]:
    return list(dict.fromkeys(metric for part in parts for metric in part.floors))


def _measure_part(part: Part, resamples: Resamples) -> dict[str, _Measured]:
    compute = part.compute
    if compute is None or not len(part.rows_N):
        nothing = _Measured(value=math.nan, value_R=np.full(len(resamples), np.nan))
        return dict.fromkeys(part.floors, nothing)
    whole = compute(np.ones((len(part.rows_N), 1), dtype=np.float32))
    chunks = [
        compute(resamples.weights(part.rows_N, chunk))
        for chunk in resamples.chunks(len(part.rows_N))
    ]
    return {
        metric: _Measured(
            value=float(whole[metric][0]),
            value_R=np.concatenate([np.empty(0), *(chunk[metric] for chunk in chunks)]),
        )
        for metric in part.floors
    }


def _mean_row(
    parts: Sequence[Part],
    measured: Mapping[str, Mapping[str, _Measured]],
    *,
    mean: Mean,
    metric: str,
    draw: Draw,
    common: Mapping[str, object],
) -> dict[str, object]:
    defined = [p for p in parts if not math.isnan(measured[p.target][metric].value)]
    found = [measured[part.target][metric] for part in defined]
    value, value_R = math.nan, np.empty(0)
    if found:
        value = float(np.mean([one.value for one in found]))
        value_TR = np.stack([one.value_R for one in found])
        has_value_R = ~np.isnan(value_TR).all(axis=0)
        value_R = np.nanmean(value_TR[:, has_value_R], axis=0)
    floors = [part.floors[metric] for part in defined]
    known = [floor for floor in floors if floor is not None]
    floor = float(np.mean(known)) if known and len(known) == len(floors) else None
    rows = [part.rows_N for part in parts]
    return _row(
        common,
        draw=draw,
        metric=metric,
        target=mean.target,
        found=_Measured(value=value, value_R=value_R),
        floor=mean.floors.get(metric, floor) if found else None,
        num_items=len(np.unique(np.concatenate(rows))),
        num_positive=None,
        reason=_reason_of_mean(parts, defined, metric=metric),
    )


def _reason_of_mean(
    parts: Sequence[Part], defined: Sequence[Part], *, metric: str
) -> str | None:
    """Say over how many targets a mean is, where it is not over all of them."""
    missing = [part for part in parts if part not in defined]
    if not missing:
        return None
    names = [part.target for part in missing]
    more = len(names) - NAMED_TARGETS
    listed = ", ".join(names[:NAMED_TARGETS]) + (
        f" and {more} more" if more > 0 else ""
    )
    reasons = dict.fromkeys(part.reasons.get(metric, UNDEFINED) for part in missing)
    return (
        f"mean over {len(defined)} of {len(parts)} targets, without {listed}: "
        + " or ".join(reasons)
    )


def _row(
    common: Mapping[str, object],
    *,
    draw: Draw,
    metric: str,
    target: str,
    found: _Measured,
    floor: float | None,
    num_items: int,
    num_positive: int | None,
    reason: str | None,
) -> dict[str, object]:
    is_defined = not math.isnan(found.value)
    bounds = interval(found.value, found.value_R) if is_defined else None
    return {
        **common,
        "metric": metric,
        "target": target,
        "value": found.value if is_defined else None,
        "ci_low": bounds[0] if bounds else None,
        "ci_high": bounds[1] if bounds else None,
        "floor": floor,
        "num_items": num_items,
        "num_positive": num_positive,
        "num_train": len(draw.image_ids),
        "num_train_positive": draw.num_positive.get(target),
        "reason": reason if is_defined else reason or UNDEFINED,
    }
