"""METRICS -> one group of sheets and plots per benchmark and protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from asg_core.summary.inputs import Notes
from asg_core.summary.pages.benchmarks.targets import other_sheet, target_sheet
from asg_core.summary.plots import LegendEntry, Line, Plot, draw_lines
from asg_core.summary.sheets.names import (
    about_metric,
    benchmark_label,
    headline_metrics,
    metric_label,
)
from asg_core.summary.sheets.numbers import (
    MISSING,
    count_text,
    fraction_text,
    plural_text,
)
from asg_core.summary.sheets.scores import (
    ALL,
    by_point,
    floor_text,
    metrics_of,
    over_seeds,
    score_cell,
    seeds_note,
)
from asg_core.summary.sheets.sheet import Cell, Column, Sheet, cells
from asg_core.tables.catalog import METRICS

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


@dataclass(frozen=True, slots=True, kw_only=True)
class NotApplicable:
    """A protocol that some encoders have no result of, and why."""

    protocol: str
    encoders: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A sentence about the scores of some encoders."""

    sentence: str
    encoders: tuple[str, ...]


def group_results(
    metrics: pl.DataFrame,
    *,
    encoders: Sequence[str],
    series: Mapping[str, int],
) -> list[ResultGroup]:
    """Return one group per benchmark and protocol, sorted; no rows give no groups.

    Args:
        metrics: In METRICS.
        encoders: All encoders, in the order of the rows.
        series: Encoder -> its colour in plots.
    """
    points = over_seeds(metrics)
    groups = []
    for (benchmark, protocol), rows in points.sort(
        "benchmark", "protocol", maintain_order=True
    ).group_by("benchmark", "protocol", maintain_order=True):
        raw = metrics.filter(
            (pl.col("benchmark") == benchmark) & (pl.col("protocol") == protocol)
        ).sort(METRICS.key)
        groups.append(
            _make_group(
                rows,
                raw=raw,
                encoders=[name for name in encoders if name in set(rows["encoder"])],
                series=series,
            )
        )
    return groups


def about_benchmarks(notes: Sequence[Notes]) -> dict[str, list[str]]:
    """Return by benchmark sentences about its parts; equal ones of encoders once."""
    lines: dict[str, dict[str, None]] = {}
    for note in notes:
        about = lines.setdefault(note.benchmark, {})
        if note.recipe:
            about[f"Split: {note.recipe}."] = None
        if note.counts:
            parts = [f"{part} {count_text(n)}" for part, n in note.counts.items()]
            about[f"Images of the parts: {', '.join(parts)}."] = None
        if note.overlaps:
            about[_overlap_text(note.overlaps)] = None
    return {benchmark: list(about) for benchmark, about in lines.items()}


def remarks(notes: Sequence[Notes]) -> dict[str, list[Remark]]:
    """Return by benchmark what a reader of its scores must know, equal ones joined."""
    found: dict[str, dict[str, list[str]]] = {}
    for note in notes:
        of_benchmark = found.setdefault(note.benchmark, {})
        for sentence in note.notes:
            of_benchmark.setdefault(sentence, []).append(note.encoder)
    return {
        benchmark: [
            Remark(sentence=sentence, encoders=tuple(encoders))
            for sentence, encoders in sentences.items()
        ]
        for benchmark, sentences in found.items()
    }


def not_applicable(notes: Sequence[Notes]) -> dict[str, list[NotApplicable]]:
    """Return by benchmark what was not done, equal reasons joined."""
    joined: dict[tuple[str, str, str], list[str]] = {}
    for note in notes:
        for protocol, reason in note.not_applicable:
            joined.setdefault((note.benchmark, protocol, reason), []).append(
                note.encoder
            )
    found: dict[str, list[NotApplicable]] = {}
    for (benchmark, protocol, reason), encoders in sorted(joined.items()):
        found.setdefault(benchmark, []).append(
            NotApplicable(protocol=protocol, encoders=tuple(encoders), reason=reason)
        )
    return found


def failures_sheet(notes: Sequence[Notes]) -> Sheet | None:
    """Return which encoders failed, where and why; None where none did."""
    failed = [note for note in notes if note.failure]
    if not failed:
        return None
    return Sheet(
        name="failures",
        caption="Encoders that could not be evaluated. The next run tries them again.",
        columns=(
            Column(label="Encoder", is_number=False),
            Column(label="Benchmark", is_number=False),
            Column(label="Reason", is_number=False),
        ),
        rows=tuple(
            cells([note.encoder, benchmark_label(note.benchmark), note.failure])
            for note in failed
        ),
    )


def overview_sheets(metrics: pl.DataFrame, *, encoders: Sequence[str]) -> list[Sheet]:
    """Return one sheet per protocol: encoders by benchmarks, at its largest fraction."""
    points = over_seeds(metrics).filter(pl.col("target") == ALL)
    sheets = []
    for (protocol,), points_of in points.sort("protocol", maintain_order=True).group_by(
        "protocol", maintain_order=True
    ):
        rows = points_of.filter(pl.col("fraction") == pl.col("fraction").max())
        keys = [
            (benchmark, metric)
            for benchmark in rows["benchmark"].unique().sort()
            for metric in headline_metrics(
                benchmark, metrics_of(rows.filter(pl.col("benchmark") == benchmark))
            )
        ]
        used = [name for name in encoders if name in set(rows["encoder"])]
        if keys:
            sheets.append(
                _overview_sheet(rows, protocol=str(protocol), keys=keys, encoders=used)
            )
    return sheets


def _make_group(
    rows: pl.DataFrame,
    *,
    raw: pl.DataFrame,
    encoders: Sequence[str],
    series: Mapping[str, int],
) -> ResultGroup:
    benchmark, protocol = str(rows["benchmark"][0]), str(rows["protocol"][0])
    chosen = headline_metrics(benchmark, metrics_of(rows))
    headlines = []
    for metric in chosen:
        used = rows.filter((pl.col("metric") == metric) & (pl.col("target") == ALL))
        sheet = _headline_sheet(
            used, raw=raw.filter(pl.col("metric") == metric), encoders=encoders
        )
        plot = _label_efficiency(used, encoders=encoders, series=series)
        legend = tuple(
            LegendEntry(label=name, series=series[name]) for name in encoders
        )
        headlines.append(Headline(sheet=sheet, plot=plot, legend=legend))
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
    first = rows.row(0, named=True)
    benchmark, protocol, metric = (
        str(first[key]) for key in ("benchmark", "protocol", "metric")
    )
    num_items = max(round(count) for count in rows["num_items"])
    fractions = rows["fraction"].unique().sort().to_list()
    points_at = by_point(rows)
    footer = [Cell(text="floor")]
    for fraction in fractions:
        text = floor_text(rows.filter(pl.col("fraction") == fraction), metric=metric)
        footer.append(Cell(text=text or MISSING, is_muted=text is None))
    return Sheet(
        name=f"results_{benchmark}_{protocol}_{metric}",
        caption=f"{benchmark_label(benchmark)}, {protocol}: {about_metric(metric)}. Over "
        f"{plural_text(num_items, 'test image')}. {seeds_note(rows)}",
        columns=(
            Column(label="Encoder", is_number=False),
            *(Column(label=fraction_text(fraction)) for fraction in fractions),
        ),
        rows=tuple(
            (
                Cell(text=encoder),
                *(
                    score_cell(points_at.get((encoder, fraction)))
                    for fraction in fractions
                ),
            )
            for encoder in encoders
        ),
        footer=tuple(footer),
        data=raw,
    )


def _label_efficiency(
    rows: pl.DataFrame, *, encoders: Sequence[str], series: Mapping[str, int]
) -> Plot | None:
    """Return the metric over the fraction of labels; None with a single fraction."""
    used = rows.filter((pl.col("fraction") > 0) & pl.col("value").is_not_null())
    fractions = used["fraction"].unique().sort().to_list()
    if len(fractions) < 2:
        return None
    lines = []
    for encoder in encoders:
        points = used.filter(pl.col("encoder") == encoder).sort("fraction")
        scale = 100
        lines.append(
            Line(
                label=encoder,
                series=series[encoder],
                x=points["fraction"].to_list(),
                y=(points["value"] * scale).to_list(),
                low=(points["ci_low"] * scale).to_list(),
                high=(points["ci_high"] * scale).to_list(),
                has_marks=True,
            )
        )
    floors = used.group_by("fraction").agg(pl.col("floor").mean()).drop_nulls()
    metric = str(used["metric"][0])
    first = used.row(0, named=True)
    return draw_lines(
        lines,
        name=f"plot-{first['benchmark']}-{first['protocol']}-{metric}",
        title=f"{benchmark_label(first['benchmark'])}, {first['protocol']}",
        x_label="share of the training labels",
        y_label=f"{metric_label(metric)}, %",
        x_ticks=[(fraction, fraction_text(fraction)) for fraction in fractions],
        floor=[(x, y * 100) for x, y in floors.sort("fraction").iter_rows()],
        is_log_x=True,
    )


def _support(rows: pl.DataFrame) -> list[str]:
    """Return sentences that say what the numbers are over."""
    first = rows.row(0, named=True)
    num_items = max(round(count) for count in rows["num_items"])
    lines = [
        f"Scored on {plural_text(num_items, 'test image')}; split "
        f"{first['split']}, digest of the test images {first['test_digest']}."
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


def _overlap_text(overlaps: Mapping[str, object]) -> str:
    """Return what two parts share: plain numbers, or numbers of images and patients."""
    parts = []
    for pair, shared in overlaps.items():
        text = (
            ", ".join(f"{count} {what}" for what, count in shared.items())
            if isinstance(shared, Mapping)
            else str(shared)
        )
        parts.append(f"{pair}: {text}")
    return f"Shared between parts: {'; '.join(parts)}."


def _overview_sheet(
    rows: pl.DataFrame,
    *,
    protocol: str,
    keys: Sequence[tuple[str, str]],
    encoders: Sequence[str],
) -> Sheet:
    values = {
        (row["encoder"], row["benchmark"], row["metric"]): row
        for row in rows.iter_rows(named=True)
    }
    body = []
    for encoder in encoders:
        row = [values.get((encoder, benchmark, metric)) for benchmark, metric in keys]
        body.append(
            (
                Cell(text=encoder),
                *(
                    Cell(
                        text=MISSING,
                        why="no result; see the page on benchmarks",
                        is_muted=True,
                    )
                    if point is None
                    else score_cell(point)
                    for point in row
                ),
            )
        )
    footer = [Cell(text="floor")]
    for benchmark, metric in keys:
        points = rows.filter(
            (pl.col("benchmark") == benchmark) & (pl.col("metric") == metric)
        )
        text = floor_text(points, metric=metric)
        footer.append(Cell(text=text or MISSING, is_muted=text is None))
    fraction = float(rows["fraction"][0])
    labels = (
        "without labels" if fraction == 0 else f"{fraction_text(fraction)} of labels"
    )
    return Sheet(
        name=f"overview_{protocol}",
        caption=f"{protocol}, {labels}, in %. {seeds_note(rows)}",
        columns=(
            Column(label="Encoder", is_number=False),
            *(
                Column(label=f"{benchmark_label(benchmark)} {metric_label(metric)}")
                for benchmark, metric in keys
            ),
        ),
        rows=tuple(body),
        footer=tuple(footer),
        data=rows.filter(
            pl.struct("benchmark", "metric").is_in(
                [{"benchmark": name, "metric": metric} for name, metric in keys]
            )
        ),
    )
