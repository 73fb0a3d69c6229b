"""Pre-training runs -> curves, and a sheet of what each run was."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from asg_core.summary.inputs import Run
from asg_core.summary.numbers import count_text, number_text, seconds_text
from asg_core.summary.plots import Line, Plot, draw_lines
from asg_core.summary.sheets import Column, Sheet, cells

_TRAIN, _VALIDATE = "train", "validate"
_MAX_POINTS = 400
_FIRST = (
    "loss",
    "image_report",
    "region_sentence",
    "tags",
    "soft_labels",
)
"""Curves that come first, in this order; the others follow by name."""

_TITLES = {
    "loss": "Loss, all parts weighted",
    "image_report": "IRA: image-report loss",
    "region_sentence": "ARSA: region-sentence loss",
    "tags": "IRL: tag loss",
    "soft_labels": "ERL: soft-label loss",
    "tag_map": "Tags: mean average precision",
    "learning_rate": "Learning rate",
    "grad_norm": "Norm of the gradient",
}


def draw_curves(history_of: Mapping[str, pl.DataFrame]) -> list[Plot]:
    """Return one plot per quantity: training solid, validation dashed, a line per run.

    Curves of more than 400 points are shown as means over equal stretches of points. A
    metric is named "<split>/<quantity>"; one without a split is drawn solid. Values that
    are not finite leave their point out.

    Args:
        history_of: Run -> frame in HISTORY; the position of a run decides its colour.
    """
    quantities: dict[str, list[Line]] = {}
    for series, (run, history) in enumerate(history_of.items()):
        finite = history.filter(pl.col("value").is_finite()).sort("metric", "step")
        for (metric,), points in finite.group_by("metric", maintain_order=True):
            split, _, rest = str(metric).partition("/")
            line = _make_line(run, points, series=series, is_dashed=split == _VALIDATE)
            quantities.setdefault(rest or split, []).append(line)
    ordered = sorted(
        quantities,
        key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name),
    )
    return [
        draw_lines(
            quantities[name],
            name=f"curve-{index}",
            title=_TITLES.get(name, _words(name)),
            x_label="optimizer steps",
            y_label="",
        )
        for index, name in enumerate(ordered)
    ]


def runs_sheet(runs: Sequence[Run]) -> Sheet | None:
    """Return one column per run and one row per fact that any run states."""
    rows = []
    for label, value_of in _FACTS:
        texts = [value_of(run.facts) for run in runs]
        if any(text is not None for text in texts):
            rows.append(cells([label, *texts]))
    if not rows:
        return None
    return Sheet(
        name="runs",
        caption="The pre-training runs.",
        columns=(
            Column(label="", is_number=False),
            *(Column(label=run.name) for run in runs),
        ),
        rows=tuple(rows),
    )


def _words(name: str) -> str:
    words = name.replace("_", " ").replace("/", ", ")
    return words[:1].upper() + words[1:]


def _make_line(run: str, points: pl.DataFrame, *, series: int, is_dashed: bool) -> Line:
    stretch = -(-len(points) // _MAX_POINTS)
    means = (
        points.with_columns(pl.int_range(pl.len()).floordiv(stretch).alias("stretch"))
        .group_by("stretch", maintain_order=True)
        .agg(pl.last("step"), pl.mean("value"))
    )
    return Line(
        label=run,
        series=series,
        x=means["step"].to_list(),
        y=means["value"].to_list(),
        is_dashed=is_dashed,
        # A line of one point would not be seen.
        has_marks=len(means) == 1,
    )


def _count(key: str) -> Callable[[Mapping[str, Any]], str | None]:
    return lambda facts: _formatted(facts.get(key), count_text)


def _setting(*keys: str) -> Callable[[Mapping[str, Any]], str | None]:
    def value_of(facts: Mapping[str, Any]) -> str | None:
        part: Any = facts
        for key in keys:
            part = part.get(key) if isinstance(part, Mapping) else None
        if isinstance(part, float):
            return f"{part:g}"
        return None if part is None else str(part)

    return value_of


def _losses(facts: Mapping[str, Any]) -> str | None:
    """Return the losses in use with their weights."""
    settings = facts.get("settings")
    losses = settings.get("losses") if isinstance(settings, Mapping) else None
    if not isinstance(losses, Mapping):
        return None
    names = {
        "image_report": "IRA",
        "region_sentence": "ARSA",
        "tags": "IRL",
        "soft_labels": "ERL",
    }
    used = [
        name if losses[key] == 1 else f"{losses[key]:g} \u00d7 {name}"
        for key, name in names.items()
        if losses.get(key)
    ]
    return " + ".join(used)


def _share(key: str) -> Callable[[Mapping[str, Any]], str | None]:
    return lambda facts: _formatted(
        facts.get(key), lambda value: f"{100 * value:.1f} %"
    )


def _throughput(facts: Mapping[str, Any]) -> str | None:
    return _formatted(facts.get("throughput"), lambda value: f"{value:,.1f}")


def _versions(facts: Mapping[str, Any]) -> str | None:
    found = facts.get("versions")
    if not isinstance(found, Mapping):
        return None
    return ", ".join(f"{name} {version}" for name, version in sorted(found.items()))


def _formatted(value: object, form: Callable[[float], str]) -> str | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return form(float(str(value))) if is_number else None


_FACTS: tuple[tuple[str, Callable[[Mapping[str, Any]], str | None]], ...] = (
    ("Losses", _losses),
    ("Image encoder", _setting("model", "image_encoder", "name")),
    ("Text encoder", _setting("model", "text_encoder", "name")),
    ("Image size, px", _setting("model", "image_encoder", "size")),
    ("Images", _count("num_images")),
    ("Studies", _count("num_studies")),
    ("Batch size, per process", _setting("settings", "batch_size")),
    ("Peak learning rate", _setting("settings", "optimizer", "learning_rate")),
    ("Precision", _setting("settings", "precision")),
    ("Seed", _setting("settings", "seed")),
    ("Steps", _count("steps")),
    ("Step of the weights kept", _count("best_step")),
    ("Time", lambda facts: _formatted(facts.get("seconds"), seconds_text)),
    ("Images per second", _throughput),
    ("Share of time waiting for data", _share("data_wait_share")),
    ("Vocabulary, word pieces", _count("vocabulary_size")),
    ("Loss of the weights kept", lambda f: _formatted(f.get("best_loss"), number_text)),
    ("Corpus digest", _setting("corpus_digest")),
    ("Versions", _versions),
)
