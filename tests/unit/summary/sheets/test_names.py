import pytest

from asg_core.summary.sheets.names import (
    about_metric,
    benchmark_label,
    headline_metrics,
    metric_label,
)


@pytest.mark.parametrize(
    ("benchmark", "metrics", "chosen"),
    [
        ("nih", ["accuracy", "auc", "f1"], ("auc",)),
        ("covidx", ["accuracy", "auc"], ("accuracy",)),
        ("covidx", ["auc", "f1"], ("auc",)),
        ("rsna", ["dice_positive", "dice", "auc"], ("dice", "dice_positive")),
        ("rsna", ["dice"], ("dice",)),
        ("nih", ["f1", "oracle_f1"], ("f1",)),
        ("nih", [], ()),
    ],
)
def test_a_benchmark_is_judged_by_what_papers_judge_it_by(
    benchmark: str, metrics: list[str], chosen: tuple[str, ...]
) -> None:
    assert headline_metrics(benchmark, metrics) == chosen


def test_names_that_nobody_has_listed_are_their_own() -> None:
    assert (metric_label("auc"), metric_label("mean_rank")) == ("AUC", "mean rank")
    assert about_metric("mean_rank") == "mean rank"
    assert about_metric("accuracy") == "Accuracy: share of images decided right, in %"
    assert (benchmark_label("chexpert"), benchmark_label("mine")) == (
        "CheXpert",
        "mine",
    )
