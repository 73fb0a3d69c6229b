from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asg_core.evaluation.published import read_published
from asg_core.summary.files import Scope, page_files, table_files
from asg_core.summary.inputs import SummaryInputs
from support.fake_results import build

SCOPE = Scope(
    metric_files=("count_tables", "score_triplets"),
    has_corpus=True,
    has_images=True,
    has_runs=True,
    has_marked_sheet=False,
    has_second_opinion=False,
    encoder_kinds=frozenset({"run", "pixels"}),
    benchmarks=("nih", "covidx", "rsna"),
    protocols=("linear-cached", "segmentation-cached", "zero-shot-tags"),
    is_synthetic=True,
    has_published=False,
)


def names(scope: Scope) -> set[str]:
    return {
        file.removeprefix("tables/").rpartition(".")[0] for file in table_files(scope)
    }


def test_every_table_is_three_files_and_named_once() -> None:
    files = table_files(SCOPE)

    assert len(files) == len(set(files)) == 3 * len(names(SCOPE))
    assert {"tables/rows.csv", "tables/rows.md", "tables/rows.tex"} <= set(files)


def test_the_page_of_published_numbers_is_made_where_it_is_asked_for() -> None:
    assert "published.html" not in page_files(SCOPE)
    assert "published.html" in page_files(replace(SCOPE, has_published=True))
    assert {"index.html", "style.css"} <= set(page_files(SCOPE))


def test_without_a_corpus_its_pages_are_not_asked_for() -> None:
    pages = page_files(replace(SCOPE, has_corpus=False))

    assert {"triplets.html", "examples.html", "training.html"}.isdisjoint(pages)
    assert {"index.html", "data.html", "benchmarks.html"} <= set(pages)


def test_results_are_named_by_the_metrics_that_lead_them() -> None:
    found = {name for name in names(SCOPE) if name.startswith("results_")}

    assert found == {
        "results_nih_linear-cached_auc",
        "results_covidx_linear-cached_accuracy",
        "results_rsna_linear-cached_auc",
        "results_rsna_segmentation-cached_dice",
        "results_rsna_segmentation-cached_dice_positive",
        "results_nih_zero-shot-tags_auc",
        "results_rsna_zero-shot-tags_auc",
    }


def test_classes_that_exclude_each_other_have_no_table_of_targets() -> None:
    assert "targets_nih_linear-cached" in names(SCOPE)
    assert "targets_covidx_linear-cached" not in names(SCOPE)


def test_without_a_text_side_nothing_is_asked_with_words() -> None:
    kinds = frozenset({"timm", "pixels"})

    found = names(replace(SCOPE, encoder_kinds=kinds))

    assert not [name for name in found if "zero-shot" in name]


@pytest.mark.parametrize(
    "nothing", [{"encoder_kinds": frozenset()}, {"benchmarks": ()}, {"protocols": ()}]
)
def test_nothing_evaluated_nothing_named(nothing: dict[str, Any]) -> None:
    found = names(replace(SCOPE, **nothing))

    prefixes = ("results_", "targets_", "other_", "overview_")
    assert [name for name in found if name.startswith(prefixes)] == []


def test_scores_and_runs_are_named_where_they_are_made() -> None:
    bare = replace(SCOPE, metric_files=("count_tables",), has_runs=False)

    assert {"scores_extract_triplets", "runs"} <= names(SCOPE)
    assert {"scores_extract_triplets", "runs"}.isdisjoint(names(bare))


def test_views_and_a_marked_sheet_are_named_where_there_are_some() -> None:
    checked = {"checked_triplets", "checked_confusions", "checked_by_target"}

    assert "views" in names(SCOPE)
    assert "views" not in names(replace(SCOPE, has_images=False))
    assert checked.isdisjoint(names(SCOPE))
    assert checked <= names(replace(SCOPE, has_marked_sheet=True))
    compared = {"compared_triplets", "compared_claims"}
    assert compared.isdisjoint(names(SCOPE))
    assert compared <= names(replace(SCOPE, has_second_opinion=True))


def test_the_published_tables_are_those_that_are_read() -> None:
    published = replace(SCOPE, has_published=True)
    keys = read_published().select("benchmark", "protocol", "metric", "split").unique()

    found = {name for name in names(published) if name.startswith("published_")}

    assert found == {"published_{}_{}_{}_{}".format(*key) for key in keys.iter_rows()}


def test_beside_a_real_corpus_only_what_compares_is_published() -> None:
    published = replace(
        SCOPE, has_published=True, protocols=("mgca-linear",), benchmarks=("nih",)
    )

    alone = {name for name in names(published) if name.startswith("published_")}
    beside = {
        name
        for name in names(replace(published, is_synthetic=False))
        if name.startswith("published_")
    }

    assert len(alone) > 5
    assert beside
    assert all(name.startswith("published_nih_mgca-linear_auc_") for name in beside)


def test_every_table_that_is_made_is_named(summary: Path) -> None:
    made = {path.stem for path in (summary / "tables").iterdir()}
    scope = replace(
        SCOPE,
        metric_files=("score_triplets", "score_boxes", "score_alignments"),
        has_published=True,
    )

    # The invented results have an accuracy of single classes, which no evaluation makes.
    assert sorted(made - names(scope)) == ["targets_covidx_linear-cached"]


def test_the_pages_that_are_asked_for_are_those_that_are_made(
    inputs: SummaryInputs, summary: Path, tmp_path: Path
) -> None:
    bare = replace(inputs, config={"corpus": {"name": "fake", "source": "none"}})
    without = build(bare, tmp_path / "out", is_synthetic=False)

    for folder, has_corpus in ((summary, True), (without, False)):
        scope = replace(SCOPE, has_published=True, has_corpus=has_corpus)
        made = {path.name for path in folder.iterdir() if path.is_file()}
        assert made == set(page_files(scope))
