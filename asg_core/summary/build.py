"""Build the summary: pages, their pictures, and their tables as files."""

import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

import asg_core
from asg_core.evaluation.published import read_published
from asg_core.files import replacing
from asg_core.provenance import git_commit
from asg_core.summary.config import SummaryConfig
from asg_core.summary.files import ASSETS, PAGES, TABLES
from asg_core.summary.inputs import (
    Evaluations,
    Run,
    SummaryInputs,
    config_at,
    encoder_order,
    has_corpus,
    read_evaluations,
    read_runs,
)
from asg_core.summary.pages.benchmarks.page import (
    FLOOR_NOTE,
    about_benchmarks,
    failures_sheet,
    group_results,
    not_applicable,
    overview_sheets,
    remarks,
)
from asg_core.summary.pages.checked import checked_sheets
from asg_core.summary.pages.data import (
    read_timings,
    rejects_by_stage,
    rejects_sheet,
    rows_sheet,
    scores_sheets,
    table_rows,
    timings_sheet,
)
from asg_core.summary.pages.examples import Example, choose_examples
from asg_core.summary.pages.origin import (
    code_sheet,
    config_yaml,
    encoders_sheet,
    origin_facts,
    versions_sheet,
)
from asg_core.summary.pages.pipeline import draw_pipeline
from asg_core.summary.pages.published import published_groups
from asg_core.summary.pages.training import draw_curves, runs_sheet
from asg_core.summary.pages.triplets import ShownSentence, choose_sentences
from asg_core.summary.pages.views import ShownViews, show_views
from asg_core.summary.plots import LegendEntry
from asg_core.summary.render import TEMPLATES, Page, render_pages
from asg_core.summary.sheets.sheet import Sheet, empty_sheet, write_sheet
from asg_core.tables.catalog import REJECTS, STAGE_METRICS
from asg_core.tables.schema import read_tables

logger = logging.getLogger(__name__)

_OWN_NAMES = frozenset(
    # Earlier versions wrote the examples' images into a folder of their own.
    {*ASSETS, "images", TABLES, *(f"{name}.html" for name in PAGES)}
)
_HIDDEN = (
    "Images, reports and their ids are not shown: this corpus is not synthetic, and "
    "privacy.export_examples is off. Check the data use agreement before turning it on."
)


def build_summary(
    *,
    inputs: SummaryInputs,
    out: Path,
    config: SummaryConfig,
    is_synthetic: bool,
    may_export_examples: bool,
    sheet_names: Sequence[str] = (),
) -> Path:
    """Write the folder `out` and return the path of its index.html.

    The folder works without a network, from a file system. What was not made leaves a
    sentence in its place. It is built beside `out` and then takes its place, so that
    there is never half a summary. Same inputs, same bytes, with the same versions of
    the packages.

    Args:
        inputs: The files that it is made of.
        out: A folder that does not exist, is empty, or holds an earlier summary.
        config: What to show.
        is_synthetic: Whether the corpus was made by a program; every page then says so.
        may_export_examples: Whether report texts, pixels and ids may be copied. Without,
            none is read.
        sheet_names: Tables that are written in any case (`files.table_files`), without
            rows where the results have nothing for them.

    Raises:
        ValueError: If `out` holds files that no summary has, or a file of a run or of an
            evaluation is of another format.
        TableError: If a file is not the table it should be.
    """
    _check_out(out)
    commit = git_commit()
    evaluations = read_evaluations(inputs.evaluations)
    runs = read_runs(inputs.runs)
    examples = (
        choose_examples(
            inputs, num_examples=config.num_examples, size=config.example_size
        )
        if may_export_examples
        else []
    )
    views = show_views(inputs, may_export_examples=may_export_examples)
    pages = [
        _index_page(
            inputs,
            runs,
            evaluations,
            views=views,
            commit=commit,
            is_synthetic=is_synthetic,
        ),
        _data_page(inputs, views=views, may_export_examples=may_export_examples),
    ]
    is_of_corpus = has_corpus(inputs.config)
    if is_of_corpus:
        pages += [
            _triplets_page(
                inputs,
                choose_sentences(inputs, num_sentences=config.num_sentences)
                if may_export_examples
                else [],
                may_export_examples=may_export_examples,
            ),
            _examples_page(examples, may_export_examples=may_export_examples),
            _training_page(runs),
        ]
    pages.append(_benchmarks_page(inputs, runs, evaluations))
    if config.published:
        pages.append(_published_page(inputs, evaluations, is_synthetic=is_synthetic))
    shared: dict[str, object] = {
        "title": config.title
        or (f"ASG on {inputs.corpus}" if is_of_corpus else inputs.corpus),
        "corpus": inputs.corpus,
        "has_corpus": is_of_corpus,
        "version": asg_core.__version__,
        "commit": commit,
        "is_synthetic": is_synthetic,
        "may_export_examples": may_export_examples,
        "floor_note": FLOOR_NOTE,
    }
    files = render_pages(pages, shared=shared)
    sheets = {sheet.name: sheet for page in pages for sheet in _sheets_in(page.values)}
    missing = [name for name in sheet_names if name not in sheets]
    if missing:
        logger.info("tables without rows: %s", ", ".join(missing))
    sheets |= {name: empty_sheet(name) for name in missing}
    _write(files, sheets=list(sheets.values()), out=out)
    logger.info(
        "summary: %d pages, %d tables, %d examples",
        len(files),
        len(sheets),
        len(examples),
    )
    return out / "index.html"


def _index_page(
    inputs: SummaryInputs,
    runs: Sequence[Run],
    evaluations: Evaluations,
    *,
    views: ShownViews | None,
    commit: str | None,
    is_synthetic: bool,
) -> Page:
    metrics = evaluations.metrics
    names = _encoders(inputs, evaluations)
    return Page(
        name="index",
        label="Overview",
        values={
            "steps": draw_pipeline(
                rows=table_rows(_stage_metrics(inputs)),
                rejects=rejects_by_stage(_rejects(inputs)),
                num_runs=len(runs),
                num_encoders=len(names),
                num_benchmarks=len(
                    {*metrics["benchmark"], *(n.benchmark for n in evaluations.notes)}
                ),
            ),
            "views_text": "" if views is None else views.text,
            "is_warned": views is not None and views.is_warned,
            "overview": overview_sheets(metrics, encoders=names),
            "failures": failures_sheet(evaluations.notes),
            "facts": origin_facts(inputs, commit=commit, is_synthetic=is_synthetic),
            "versions_sheet": versions_sheet(),
            "code_sheet": code_sheet(inputs.code_digests),
            "config_yaml": config_yaml(inputs.config),
        },
    )


def _data_page(
    inputs: SummaryInputs, *, views: ShownViews | None, may_export_examples: bool
) -> Page:
    metrics = _stage_metrics(inputs)
    return Page(
        name="data",
        label="Data",
        values={
            "rows": rows_sheet(metrics),
            "views": views,
            "rejects": rejects_sheet(
                _rejects(inputs), may_export_examples=may_export_examples
            ),
            "scores": scores_sheets(metrics),
            "timings": timings_sheet(read_timings(inputs.timings)),
        },
    )


def _triplets_page(
    inputs: SummaryInputs,
    sentences: Sequence[ShownSentence],
    *,
    may_export_examples: bool,
) -> Page:
    return Page(
        name="triplets",
        label="Triplets",
        values={
            "checked": checked_sheets(inputs),
            "sentences": sentences,
            "hidden_reason": "" if may_export_examples else _HIDDEN,
        },
    )


def _examples_page(examples: Sequence[Example], *, may_export_examples: bool) -> Page:
    return Page(
        name="examples",
        label="Examples",
        values={
            "examples": examples,
            "hidden_reason": "" if may_export_examples else _HIDDEN,
        },
    )


def _training_page(runs: Sequence[Run]) -> Page:
    return Page(
        name="training",
        label="Training",
        values={
            "runs": [
                LegendEntry(label=run.name, series=series)
                for series, run in enumerate(runs)
            ],
            "facts": runs_sheet(runs),
            "curves": draw_curves({run.name: run.history for run in runs}),
        },
    )


def _benchmarks_page(
    inputs: SummaryInputs, runs: Sequence[Run], evaluations: Evaluations
) -> Page:
    names = _encoders(inputs, evaluations)
    return Page(
        name="benchmarks",
        label="Benchmarks",
        values={
            "encoders": encoders_sheet(names, config=inputs.config),
            "groups": group_results(
                evaluations.metrics,
                encoders=names,
                series=_series(names, runs=runs, config=inputs.config),
            ),
            "about": about_benchmarks(evaluations.notes),
            "remarks": remarks(evaluations.notes),
            "missing": not_applicable(evaluations.notes),
            "failures": failures_sheet(evaluations.notes),
        },
    )


def _published_page(
    inputs: SummaryInputs, evaluations: Evaluations, *, is_synthetic: bool
) -> Page:
    return Page(
        name="published",
        label="Published",
        values={
            "published": published_groups(
                read_published(),
                metrics=evaluations.metrics,
                encoders=_encoders(inputs, evaluations),
                is_synthetic=is_synthetic,
            )
        },
    )


def _series(
    names: Sequence[str], *, runs: Sequence[Run], config: Mapping[str, Any]
) -> dict[str, int]:
    """Return the colour of every encoder: that of its run, else one of its own."""
    positions = {run.name: index for index, run in enumerate(runs)}
    series: dict[str, int] = {}
    for name in names:
        encoder = config_at(config, "evaluation", "encoders", name)
        is_run = encoder.get("kind", "run") == "run"
        run = encoder.get("run") or name
        if is_run and run in positions and positions[run] not in series.values():
            series[name] = positions[run]
    free = len(runs)
    for name in names:
        if name not in series:
            series[name] = free
            free += 1
    return series


def _encoders(inputs: SummaryInputs, evaluations: Evaluations) -> list[str]:
    names = {*evaluations.metrics["encoder"], *(n.encoder for n in evaluations.notes)}
    return encoder_order(inputs.config, sorted(names))


def _stage_metrics(inputs: SummaryInputs) -> pl.DataFrame:
    return read_tables(inputs.stage_metrics, schema=STAGE_METRICS)


def _rejects(inputs: SummaryInputs) -> pl.DataFrame:
    return read_tables(inputs.rejects, schema=REJECTS)


def _sheets_in(values: object) -> Iterator[Sheet]:
    """Yield every sheet of a page, however deep it lies in what the template gets."""
    if isinstance(values, Sheet):
        yield values
    elif isinstance(values, Mapping):
        for value in values.values():
            yield from _sheets_in(value)
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _sheets_in(value)
    elif hasattr(values, "__dataclass_fields__"):
        for name in values.__dataclass_fields__:
            yield from _sheets_in(getattr(values, name))


def _check_out(out: Path) -> None:
    """Raise if the folder holds what no summary has: it would be deleted."""
    if not out.exists():
        return
    others = sorted({path.name for path in out.iterdir()} - _OWN_NAMES)
    if others:
        raise ValueError(
            f"{out}: expected an earlier summary or an empty folder, found {others[:5]}; "
            "the folder is replaced as a whole, so choose another or move these away"
        )


def _write(
    files: Mapping[str, str],
    *,
    sheets: Sequence[Sheet],
    out: Path,
) -> None:
    """Write everything into a folder beside `out`, and put it in its place."""
    with replacing(out) as fresh:
        (fresh / TABLES).mkdir(parents=True)
        for name, text in files.items():
            (fresh / name).write_text(text, encoding="utf-8")
        for name in ASSETS:
            shutil.copyfile(TEMPLATES / name, fresh / name)
        for sheet in sheets:
            write_sheet(sheet, fresh / TABLES)
