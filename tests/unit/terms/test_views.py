"""How data sets spell views, and what the spellings mean."""

import csv
import gzip
from pathlib import Path

import pytest

from asg_core import provenance
from asg_core.terms.view_spellings import (
    VIEWS_FILE,
    canonical_view,
    is_known_spelling,
    read_spellings,
)
from asg_core.terms.views import FRONTAL, View
from support.reference import released_labels


@pytest.mark.parametrize(
    ("spelling", "view"),
    [
        ("PA", View.PA),
        ("ap", View.AP),
        (" LL ", View.LATERAL),
        ("POSTERO_ANTERIOR", View.PA),
        ("postero-anterior", View.PA),
        ("POSTEROANTERIOR", View.PA),
        ("Antero Posterior", View.AP),
        ("AP_horizontal", View.AP),
        ("AP  SUPINE", View.AP),
        ("frontal", View.FRONTAL),
        ("Frontal", View.FRONTAL),
        ("AP/PA", View.FRONTAL),
        ("L", View.LATERAL),
        ("RL", View.LATERAL),
        ("left lateral", View.LATERAL),
        ("AP AXIAL", View.OTHER),
        ("PA LLD", View.OTHER),
        ("LAO", View.OTHER),
        ("RAO", View.OTHER),
        ("COSTAL", View.OTHER),
        ("SWIMMERS", View.OTHER),
        ("N/A", View.UNKNOWN),
        ("unknown", View.UNKNOWN),
        ("", View.UNKNOWN),
        (" - ", View.UNKNOWN),
        (None, View.UNKNOWN),
    ],
)
def test_views_of_datasets_are_translated(spelling: str | None, view: View) -> None:
    assert canonical_view(spelling) is view
    assert is_known_spelling(spelling)


@pytest.mark.parametrize("spelling", ["Thorax im Liegen", "7", "PAL"])
def test_a_spelling_that_nobody_has_listed_is_no_other_view(spelling: str) -> None:
    assert canonical_view(spelling) is View.UNKNOWN
    assert not is_known_spelling(spelling)


def test_every_view_has_a_spelling_and_its_own_name_is_one() -> None:
    spellings = read_spellings(VIEWS_FILE)

    assert set(spellings.values()) == set(View)
    assert all(canonical_view(view.value) is view for view in View)
    assert set(FRONTAL) == {View.PA, View.AP, View.FRONTAL}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("PA\tPOSTERIOR\t", "line 3: expected a view of .*, found 'POSTERIOR'"),
        ("P.A.\tPA", "line 3: expected the columns"),
        ("p-a\tPA\t", "line 3: expected a new spelling, found 'p-a'"),
        (" - \tPA\t", "line 3: expected a new spelling"),
    ],
)
def test_a_faulty_line_of_the_file_is_named(
    tmp_path: Path, line: str, message: str
) -> None:
    path = tmp_path / "views.tsv"
    path.write_text(f"spelling\tview\tseen_in\nPA\tPA\t\n{line}\n")

    with pytest.raises(ValueError, match=message):
        read_spellings(path)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("Data_Entry_2017_v2020.csv.gz", "View Position"),
        ("PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv.gz", "Projection"),
        (
            "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv.gz",
            "ViewPosition_DICOM",
        ),
        ("chexpert_train.csv.gz", "Frontal/Lateral"),
        ("chexpert_train.csv.gz", "AP/PA"),
        ("kaggle_stage_2_train_images_dicom_headers.csv.gz", "ViewPosition"),
        ("nlmcxr_dicom_metadata.csv.gz", "View Position"),
    ],
)
def test_released_files_have_no_other_spelling(name: str, column: str) -> None:
    path = released_labels(name)
    with gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="") as lines:
        found = {row[column] for row in csv.DictReader(lines)}

    assert found
    assert {spelling for spelling in found if not is_known_spelling(spelling)} == set()


def test_a_line_that_is_added_reaches_the_readers_and_no_other_stage() -> None:
    scripts = Path(provenance.ROOT) / "workflow" / "scripts"

    reached = {
        script.stem
        for script in scripts.glob("*.py")
        if VIEWS_FILE in provenance._closure(script)
    }

    assert reached == {
        "read_source",
        "read_reports",
        "read_benchmark",
        "build_summary",
    }
