"""Build the summary: pages, their pictures, and their tables as files."""

import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import asg_core
from asg_core.files import replacing
from asg_core.provenance import git_commit
from asg_core.summary.config import SummaryConfig
from asg_core.summary.files import ASSETS, PAGES, TABLES
from asg_core.summary.inputs import Results, SummaryInputs, read_results
from asg_core.summary.pages.benchmarks.page import FLOOR_NOTE, benchmarks_page
from asg_core.summary.pages.data import data_page
from asg_core.summary.pages.examples import examples_page
from asg_core.summary.pages.overview import overview_page
from asg_core.summary.pages.published import published_page
from asg_core.summary.pages.training import training_page
from asg_core.summary.pages.triplets import triplets_page
from asg_core.summary.pages.views import show_views
from asg_core.summary.render import TEMPLATES, SummaryPage, render_pages
from asg_core.summary.sheets.formats import write_sheet
from asg_core.summary.sheets.sheet import Sheet, empty_sheet

logger = logging.getLogger(__name__)

_OWN_NAMES = frozenset(
    # Earlier versions wrote the examples' images into a folder of their own.
    {*ASSETS, "images", TABLES, *(f"{name}.html" for name in PAGES)}
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
    sentence in its place. The folder is built beside `out` and then takes its place, so
    that there is never half a summary. The same inputs give the same bytes, with the
    same versions of the packages.

    Args:
        inputs: The files that it is made of.
        out: A folder that does not exist, is empty, or holds an earlier summary.
        config: What to show.
        is_synthetic: Whether the corpus was made by a program; every page then says so.
        may_export_examples: Whether report texts, pixels and ids may be copied. They are
            not even read where they may not.
        sheet_names: Tables that are written in any case (`files.table_files`), without
            rows where the results have nothing for them.

    Raises:
        ValueError: If `out` holds files that no summary has, or a file of a run or of an
            evaluation is of another format.
        TableError: If a file is not the table it should be.
    """
    _check_out(out)
    results = read_results(
        inputs, is_synthetic=is_synthetic, may_export_examples=may_export_examples
    )
    commit = git_commit()
    pages = _make_pages(results, config=config, commit=commit)
    shared = _shared(results, title=config.title, commit=commit)
    html = render_pages(pages, shared=shared)
    sheets = {sheet.name: sheet for page in pages for sheet in _sheets_in(page.values)}
    missing = [name for name in sheet_names if name not in sheets]
    if missing:
        logger.info("tables without rows: %s", ", ".join(missing))
    sheets |= {name: empty_sheet(name) for name in missing}
    with replacing(out) as fresh:
        (fresh / TABLES).mkdir(parents=True)
        for name, text in html.items():
            (fresh / name).write_text(text, encoding="utf-8")
        for name in ASSETS:
            shutil.copyfile(TEMPLATES / name, fresh / name)
        for sheet in sheets.values():
            write_sheet(sheet, fresh / TABLES)
    logger.info("summary: %d pages, %d tables", len(pages), len(sheets))
    return out / "index.html"


def _make_pages(
    results: Results, *, config: SummaryConfig, commit: str | None
) -> list[SummaryPage]:
    """Return the pages in the order of the navigation."""
    views = show_views(results.inputs, may_export_examples=results.may_export_examples)
    pages = [
        overview_page(results, views=views, commit=commit),
        data_page(results, views=views),
    ]
    if results.has_corpus:
        pages += [
            triplets_page(results, num_sentences=config.num_sentences),
            examples_page(
                results, num_examples=config.num_examples, size=config.example_size
            ),
            training_page(results),
        ]
    pages.append(benchmarks_page(results))
    return [*pages, published_page(results)] if config.published else pages


def _shared(
    results: Results, *, title: str | None, commit: str | None
) -> dict[str, object]:
    """Return what the templates of all pages see."""
    corpus = results.inputs.corpus
    return {
        "title": title or (f"ASG on {corpus}" if results.has_corpus else corpus),
        "corpus": corpus,
        "has_corpus": results.has_corpus,
        "version": asg_core.__version__,
        "commit": commit,
        "is_synthetic": results.is_synthetic,
        "may_export_examples": results.may_export_examples,
        "floor_note": FLOOR_NOTE,
    }


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
