"""The page on training: the curves of the runs, and a table of what each run was."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from asg_core.losses.names import LOSSES
from asg_core.summary.inputs import Results, Run
from asg_core.summary.plots import LegendEntry, Line, Plot, draw_lines
from asg_core.summary.render import SummaryPage
from asg_core.summary.sheets.numbers import count_text, number_text, seconds_text
from asg_core.summary.sheets.sheet import Sheet, cells, number_columns, text_columns

_TRAIN, _VALIDATE = "train", "validate"
_MAX_POINTS = 400
_FIRST = (
    "loss",
    *LOSSES,
    "retrieval_at_1",
    "retrieval_at_5",
    "tag_map",
)
"""Curves that come first, in this order; the others follow by name."""

_TITLES = {
    "loss": "Loss, all parts weighted",
    **{name: f"{loss.short}: {loss.about}" for name, loss in LOSSES.items()},
    "tag_map": "Tags: mean average precision",
    "retrieval_at_1": "Retrieval: the right one first",
    "retrieval_at_5": "Retrieval: the right one among five",
    "diagonal_share": "ERL: share of the target on the diagonal",
    "images_per_second": "Images per second",
    "data_wait_share": "Share of time waiting for data",
    "learning_rate": "Learning rate",
    "grad_norm": "Norm of the gradient",
}


def training_page(results: Results) -> SummaryPage:
    """Return the page about the pre-training runs."""
    return SummaryPage(
        name="training",
        label="Training",
        values={
            "runs": [
                LegendEntry(label=run.name, series=series)
                for series, run in enumerate(results.runs)
            ],
            "facts": runs_sheet(results.runs),
            "curves": draw_curves({run.name: run.history for run in results.runs}),
        },
    )


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
    for label, keys, form in _FACTS:
        texts = [form(_value_at(run.facts, keys)) for run in runs]
        if any(text is not None for text in texts):
            rows.append(cells([label, *texts]))
    if not rows:
        return None
    return Sheet(
        name="runs",
        caption="The pre-training runs.",
        columns=(*text_columns(""), *number_columns(*(run.name for run in runs))),
        rows=tuple(rows),
        notes=_versions_notes(runs),
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


def _text(value: object) -> str | None:
    if isinstance(value, float):
        return f"{value:g}"
    return None if value is None else str(value)


def _number(form: Callable[[float], str]) -> Callable[[object], str | None]:
    """Return what writes a number in the given form; anything else is not stated."""

    def write(value: object) -> str | None:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return form(float(str(value))) if is_number else None

    return write


def _losses(value: object) -> str | None:
    """Return the losses in use with their weights: "IRA + 5 x IRL"."""
    if not isinstance(value, Mapping):
        return None
    return " + ".join(
        loss.short if value[key] == 1 else f"{value[key]:g} \u00d7 {loss.short}"
        for key, loss in LOSSES.items()
        if value.get(key)
    )


def _versions_notes(runs: Sequence[Run]) -> tuple[str, ...]:
    """Return the versions of packages that runs were made with, equal ones once."""
    runs_of: dict[str, list[str]] = {}
    for run in runs:
        found = run.facts.get("versions")
        if isinstance(found, Mapping) and found:
            text = ", ".join(f"{name} {number}" for name, number in found.items())
            runs_of.setdefault(text, []).append(run.name)
    return tuple(
        f"Versions in {', '.join(names)}: {text}." for text, names in runs_of.items()
    )


def _value_at(facts: Mapping[str, Any], keys: Sequence[str]) -> object:
    part: object = facts
    for key in keys:
        part = part.get(key) if isinstance(part, Mapping) else None
    return part


_COUNT = _number(count_text)
_SHARE = _number(lambda value: f"{100 * value:.1f} %")
_FACTS: tuple[tuple[str, tuple[str, ...], Callable[[object], str | None]], ...] = (
    ("Losses", ("settings", "losses"), _losses),
    ("Image encoder", ("model", "image_encoder", "name"), _text),
    ("Image size, px", ("model", "image_encoder", "size"), _COUNT),
    ("Text encoder", ("model", "text_encoder", "name"), _text),
    ("Vocabulary, word pieces", ("vocabulary_size",), _COUNT),
    ("Training images", ("num_images",), _COUNT),
    ("Training studies", ("num_studies",), _COUNT),
    ("Training units", ("num_units",), _COUNT),
    ("Validation images", ("num_validation_images",), _COUNT),
    ("Processes", ("processes",), _COUNT),
    ("Batch size of a process", ("settings", "batch_size"), _COUNT),
    ("Peak learning rate", ("settings", "optimizer", "learning_rate"), _text),
    ("Precision", ("settings", "precision"), _text),
    ("Seed", ("settings", "seed"), _text),
    ("Steps", ("steps",), _COUNT),
    ("Step of the weights kept", ("kept_step",), _COUNT),
    ("Step of the lowest validation loss", ("best_step",), _COUNT),
    ("Lowest validation loss", ("best_validation_loss",), _number(number_text)),
    ("Time", ("seconds",), _number(seconds_text)),
    (
        "Images per second",
        ("throughput", "images_per_second"),
        _number(lambda value: f"{value:,.1f}"),
    ),
    ("Share of time waiting for data", ("throughput", "data_wait_share"), _SHARE),
    ("Digest of the corpus", ("corpus_digest",), _text),
)
