from dataclasses import replace

import pytest

from asg_core.evaluation.published import read_published
from asg_core.summary.files import Scope, page_files, table_files

SCOPE = Scope(
    metric_files=("count_tables", "score_triplets"),
    has_runs=True,
    has_marked_sheet=False,
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
def test_nothing_evaluated_nothing_named(nothing: dict[str, frozenset[str]]) -> None:
    found = names(replace(SCOPE, **nothing))

    prefixes = ("results_", "targets_", "other_", "overview_")
    assert [name for name in found if name.startswith(prefixes)] == []


def test_scores_and_runs_are_named_where_they_are_made() -> None:
    bare = replace(SCOPE, metric_files=("count_tables",), has_runs=False)

    assert {"scores_extract_triplets", "runs"} <= names(SCOPE)
    assert {"scores_extract_triplets", "runs"}.isdisjoint(names(bare))


def test_the_published_tables_are_those_that_are_read() -> None:
    published = replace(SCOPE, has_published=True)
    keys = read_published().select("benchmark", "protocol", "metric").unique()

    found = {name for name in names(published) if name.startswith("published_")}

    assert found == {"published_{}_{}_{}".format(*key) for key in keys.iter_rows()}


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
    assert beside == {"published_nih_mgca-linear_auc"}
