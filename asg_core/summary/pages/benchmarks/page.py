"""The page on benchmarks: a group of tables and plots for each benchmark and protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from asg_core.summary.inputs import Results, config_at
from asg_core.summary.pages.benchmarks.notes import (
    about_benchmarks,
    failures_sheet,
    not_applicable,
    remarks,
)
from asg_core.summary.pages.benchmarks.targets import other_sheet, target_sheet
from asg_core.summary.pages.origin import encoders_sheet
from asg_core.summary.plots import LegendEntry, Line, Plot, draw_lines
from asg_core.summary.render import SummaryPage
from asg_core.summary.sheets.names import (
    about_metric,
    benchmark_label,
    headline_metrics,
    metric_label,
)
from asg_core.summary.sheets.numbers import count_text, fraction_text, plural_text
from asg_core.summary.sheets.scores import (
    by_point,
    floor_texts,
    fraction_cells,
    fraction_columns,
    fractions_of,
    metrics_of,
    over_seeds,
    seeds_note,
    split_by,
)
from asg_core.summary.sheets.sheet import Cell, Sheet, cells, text_columns
from asg_core.tables.catalog import METRICS
from asg_core.terms.targets import ALL

FLOOR_NOTE = (
    "Floor: what needs no image at all scores on the same test images (chance, the "
    "majority class, an empty mask, the mean training mask)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """One metric of a group: the table, and the plot where there are fractions."""

    sheet: Sheet
    plot: Plot | None
    legend: tuple[LegendEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultGroup:
    """Everything about one benchmark under one protocol."""

    benchmark: str
    protocol: str
    headlines: tuple[Headline, ...]
    support: tuple[str, ...]  # sentences: what the numbers are over
    by_target: Sheet | None
    others: Sheet | None

    @property
    def slug(self) -> str:
        """Its anchor on the page, and the end of its files' names."""
        return f"{self.benchmark}-{self.protocol}"


def benchmarks_page(results: Results) -> SummaryPage:
    """Return the page with every score of every encoder."""
    encoders = results.encoders
    return SummaryPage(
        name="benchmarks",
        label="Benchmarks",
        values={
            "encoders": encoders_sheet(encoders, config=results.config),
            "groups": group_results(
                results.metrics,
                encoders=encoders,
                series=encoder_series(
                    encoders,
                    runs=[run.name for run in results.runs],
                    config=results.config,
                ),
            ),
            "about": about_benchmarks(results.notes),
            "remarks": remarks(results.notes),
            "missing": not_applicable(results.notes),
            "failures": failures_sheet(results.notes),
        },
    )


def encoder_series(
    encoders: Sequence[str], *, runs: Sequence[str], config: Mapping[str, Any]
) -> dict[str, int]:
    """Return the colour of every encoder: that of its run, else one of its own.

    Args:
        encoders: All encoders.
        runs: The pre-training runs; the position of a run is its colour.
        config: The resolved configuration.
    """
    series: dict[str, int] = {}
    for name in encoders:
        encoder = config_at(config, "evaluation", "encoders", name)
        is_run = encoder.get("kind", "run") == "run"
        run = encoder.get("run") or name
        if is_run and run in runs and runs.index(run) not in series.values():
            series[name] = runs.index(run)
    others = [name for name in encoders if name not in series]
    return series | {name: place for place, name in enumerate(others, start=len(runs))}


def group_results(
    metrics: pl.DataFrame, *, encoders: Sequence[str], series: Mapping[str, int]
) -> list[ResultGroup]:
    """Return one group per benchmark and protocol, sorted; no rows give no groups.

    Args:
        metrics: Rows of METRICS.
        encoders: All encoders, in the order of the rows.
        series: Encoder -> its colour in plots.
    """
    points = over_seeds(metrics)
    groups = []
    for (benchmark, protocol), rows in split_by(points, "benchmark", "protocol"):
        is_group = (pl.col("benchmark") == benchmark) & (pl.col("protocol") == protocol)
        used = [name for name in encoders if name in set(rows["encoder"])]
        raw = metrics.filter(is_group).sort(METRICS.key)
        groups.append(_make_group(rows, raw=raw, encoders=used, series=series))
    return groups


def _make_group(
    rows: pl.DataFrame,
    *,
    raw: pl.DataFrame,
    encoders: Sequence[str],
    series: Mapping[str, int],
) -> ResultGroup:
    """Return the group of the points `rows`, which `raw` has with single seeds."""
    benchmark, protocol = str(rows["benchmark"][0]), str(rows["protocol"][0])
    chosen = headline_metrics(benchmark, metrics_of(rows))
    legend = tuple(LegendEntry(label=name, series=series[name]) for name in encoders)
    headlines = []
    for metric in chosen:
        used = rows.filter((pl.col("metric") == metric) & (pl.col("target") == ALL))
        of_metric = raw.filter(pl.col("metric") == metric)
        headlines.append(
            Headline(
                sheet=_headline_sheet(used, raw=of_metric, encoders=encoders),
                plot=_label_efficiency(used, encoders=encoders, series=series),
                legend=legend,
            )
        )
    return ResultGroup(
        benchmark=benchmark,
        protocol=protocol,
        headlines=tuple(headlines),
        support=tuple(_support(rows)),
        by_target=target_sheet(rows, metrics=chosen, encoders=encoders),
        others=other_sheet(rows, without=chosen, encoders=encoders),
    )


def _headline_sheet(
    rows: pl.DataFrame, *, raw: pl.DataFrame, encoders: Sequence[str]
) -> Sheet:
    """Return one metric over all targets: encoders by fractions."""
    benchmark, protocol, metric = rows.select("benchmark", "protocol", "metric").row(0)
    fractions, points = fractions_of(rows), by_point(rows)
    return Sheet(
        name=f"results_{benchmark}_{protocol}_{metric}",
        caption=f"{benchmark_label(benchmark)}, {protocol}: {about_metric(metric)}. Over "
        f"{_test_images(rows)}. {seeds_note(rows)}",
        columns=(*text_columns("Encoder"), *fraction_columns(fractions)),
        rows=tuple(
            (
                Cell(text=encoder),
                *fraction_cells(points, encoder=encoder, fractions=fractions),
            )
            for encoder in encoders
        ),
        footer=cells(["floor", *floor_texts(rows, fractions=fractions)]),
        data=raw,
    )


def _label_efficiency(
    rows: pl.DataFrame, *, encoders: Sequence[str], series: Mapping[str, int]
) -> Plot | None:
    """Return the metric over the fraction of labels; None with a single fraction."""
    used = rows.filter((pl.col("fraction") > 0) & pl.col("value").is_not_null())
    fractions = fractions_of(used)
    if len(fractions) < 2:
        return None
    percent = used.with_columns(pl.col("value", "ci_low", "ci_high") * 100)
    lines = []
    for encoder in encoders:
        points = percent.filter(pl.col("encoder") == encoder).sort("fraction")
        lines.append(
            Line(
                label=encoder,
                series=series[encoder],
                x=points["fraction"].to_list(),
                y=points["value"].to_list(),
                low=points["ci_low"].to_list(),
                high=points["ci_high"].to_list(),
                has_marks=True,
            )
        )
    floors = used.group_by("fraction").agg(pl.col("floor").mean() * 100).drop_nulls()
    benchmark, protocol, metric = used.select("benchmark", "protocol", "metric").row(0)
    return draw_lines(
        lines,
        name=f"plot-{benchmark}-{protocol}-{metric}",
        title=f"{benchmark_label(benchmark)}, {protocol}",
        x_label="share of the training labels",
        y_label=f"{metric_label(metric)}, %",
        x_ticks=[(fraction, fraction_text(fraction)) for fraction in fractions],
        floor=list(floors.sort("fraction").iter_rows()),
        is_log_x=True,
    )


def _support(rows: pl.DataFrame) -> list[str]:
    """Return sentences that say what the numbers are over."""
    split, digest = rows.select("split", "test_digest").row(0)
    lines = [
        f"Scored on {_test_images(rows)}; split {split}, digest of the test images "
        f"{digest}."
    ]
    trained = (
        rows.filter(pl.col("fraction") > 0)
        .group_by("fraction")
        .agg(pl.col("num_train").max())
        .sort("fraction")
    )
    if len(trained):
        parts = [
            f"{fraction_text(fraction)}: {count_text(count)}"
            for fraction, count in trained.iter_rows()
        ]
        lines.append(f"Training images at {', '.join(parts)}.")
    return lines


def _test_images(rows: pl.DataFrame) -> str:
    """Return how many test images the points are over, such as "300 test images"."""
    return plural_text(max(round(count) for count in rows["num_items"]), "test image")
