"""What the summary says about views: on the overview, on the data page, in the log."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from asg_core.summary.inputs import SummaryInputs
from asg_core.summary.pages.views import ShownViews, show_views
from asg_core.tables.catalog import VIEW_COUNTS
from asg_core.tables.schema import write_table
from asg_core.tables.view_counts import count_views
from support.fake_results import build, fake_results

FRONTAL = ["PA", "AP", "FRONTAL"]
Counts = Mapping[tuple[str, str | None], int]

FILMS: Counts = {("PA", "PA"): 137, ("FRONTAL", "frontal"): 63}


def inputs_of(
    folder: Path,
    counts: Counts,
    **views: list[str],
) -> SummaryInputs:
    path = folder / "view_counts.parquet"
    write_table(count_views(counts), path, schema=VIEW_COUNTS)
    config = {section: {"views": kept} for section, kept in views.items()}
    return SummaryInputs(
        corpus="x", tables={"view_counts": [path, path]}, config=config
    )


def shown(
    folder: Path,
    counts: Counts,
    *,
    may_export_examples: bool = True,
    **views: list[str],
) -> ShownViews:
    found = show_views(
        inputs_of(folder, counts, **views), may_export_examples=may_export_examples
    )
    assert found is not None
    return found


def test_what_is_left_out_is_told_by_spelling_on_overview_and_data_page(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        out = build(fake_results(tmp_path / "results"), tmp_path / "summary")

    told = (
        "18 of 200 images (9.0 %) are left out by their view: LATERAL &#39;LL&#39; 12"
    )
    overview, data = ((out / f"{name}.html").read_text() for name in ("index", "data"))
    for page in (overview, data):
        assert told in page
        assert '<p class="notice">' in page.partition(told)[0][-60:]
        assert "secret &lt;b&gt;wording" in page
    assert '<a href="data.html#views">' in overview
    assert "AP_horizontal" in data
    frame = pl.read_csv(out / "tables" / "views.csv")
    assert frame.columns == ["view", "spelling", "num_images", "left_out_by"]
    assert frame["num_images"].sum() == 200
    assert any("18 of 200 images" in message for message in caplog.messages)


def test_frontal_films_are_not_left_out(tmp_path: Path) -> None:
    found = shown(tmp_path, FILMS, images=FRONTAL, alignment=FRONTAL)

    assert (found.text, found.is_warned) == ("", False)
    assert [row[4].text for row in found.sheet.rows] == ["", ""]


@pytest.mark.parametrize(("number", "is_warned"), [(10, False), (11, True)])
def test_more_than_a_twentieth_is_a_warning(
    tmp_path: Path,
    number: int,
    caplog: pytest.LogCaptureFixture,
    *,
    is_warned: bool,
) -> None:
    counts: Counts = {("PA", "PA"): 190, ("OTHER", "LAO"): number}

    found = shown(tmp_path, counts, images=FRONTAL)

    assert f"{2 * number} of {2 * (190 + number)} images" in found.text
    assert found.is_warned is is_warned
    assert bool(caplog.records) is is_warned


def test_the_first_key_that_leaves_a_view_out_is_named(tmp_path: Path) -> None:
    counts: Counts = {
        ("PA", "PA"): 5,
        ("AP", "AP"): 4,
        ("LATERAL", "LL"): 3,
        ("OTHER", "x"): 2,
    }

    found = shown(
        tmp_path,
        counts,
        corpus=["PA", "AP", "LATERAL"],
        images=["PA", "AP"],
        alignment=["PA"],
    )

    assert {row[0].text: row[4].text for row in found.sheet.rows} == {
        "PA": "",
        "AP": "alignment.views",
        "LATERAL": "images.views",
        "OTHER": "corpus.views",
    }


def test_without_boxes_nothing_is_left_out_of_the_alignment(tmp_path: Path) -> None:
    inputs = inputs_of(tmp_path, FILMS, alignment=["PA"])
    config = {**inputs.config, "regions": {"backend": "none"}}

    found = show_views(replace(inputs, config=config), may_export_examples=True)

    assert found is not None
    assert found.text == ""


def test_a_private_corpus_shows_no_spelling_that_nobody_has_listed(
    tmp_path: Path,
) -> None:
    counts: Counts = {("PA", "PA"): 2, ("UNKNOWN", "Mrs X"): 1, ("UNKNOWN", "Mr Y"): 1}

    found = shown(tmp_path, counts, may_export_examples=False, images=FRONTAL)

    assert found.text == (
        "4 of 8 images (50.0 %) are left out by their view: UNKNOWN (not in views.tsv) 4."
    )
    assert [(row[1].text, row[2].text) for row in found.sheet.rows] == [
        ("PA", "4"),
        ("(not in views.tsv)", "4"),
    ]
    assert found.sheet.data is not None
    assert "Mr" not in found.sheet.data.write_csv()


def test_many_spellings_are_in_the_file_and_not_all_on_the_page(tmp_path: Path) -> None:
    counts: Counts = {("UNKNOWN", f"w{number:03}"): 1 for number in range(50)}

    found = shown(tmp_path, counts, images=FRONTAL)

    assert len(found.sheet.rows) == 40
    assert found.sheet.notes == ("10 more spellings are in the CSV file.",)
    assert found.sheet.data is not None
    assert len(found.sheet.data) == 50


def test_no_images_leave_no_section(tmp_path: Path) -> None:
    assert show_views(SummaryInputs(corpus="x"), may_export_examples=True) is None
    assert show_views(inputs_of(tmp_path, {}), may_export_examples=True) is None
