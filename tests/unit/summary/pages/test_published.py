import polars as pl
import pytest

from asg_core.summary.pages.published import published_groups
from asg_core.tables.catalog import METRICS
from support.sheets import texts

PUBLISHED = pl.DataFrame(
    [
        ("ASG", "nih", "mgca-linear", "official", "auc", 0.01, 0.795, "", "README"),
        ("ASG", "nih", "mgca-linear", "official", "auc", 1.0, 0.836, "", "README"),
        ("KAD", "nih", "mgca-linear", "official", "auc", 1.0, 0.825, "tuned", "README"),
        ("MRM", "nih", "mgca-linear", "70-10-20", "auc", 1.0, 0.853, "", "BenchX"),
        ("ASG", "rsna", "mgca-linear", "mgca", "auc", 1.0, 0.902, "", "README"),
        ("MRM", "nih", "benchx-finetune", "70-10-20", "auc", 1.0, 0.853, "", "BenchX"),
    ],
    schema=[
        "method",
        "benchmark",
        "protocol",
        "split",
        "metric",
        "fraction",
        "value",
        "note",
        "source",
    ],
    orient="row",
)
OURS = METRICS.frame(
    [
        {
            "benchmark": "nih",
            "protocol": "mgca-linear",
            "encoder": "full",
            "fraction": 1.0,
            "seed": 0,
            "metric": "auc",
            "target": "all",
            "value": 0.81,
            "floor": 0.5,
            "num_items": 40,
            "num_train": 10,
            "split": "official",
            "test_digest": "00",
        }
    ]
)


def test_beside_a_synthetic_corpus_they_stand_alone_and_complete() -> None:
    groups = published_groups(
        PUBLISHED, metrics=OURS, encoders=["full"], is_synthetic=True
    )

    assert [group.protocol for group in groups] == ["benchx-finetune", "mgca-linear"]
    nih = next(sheet for sheet in groups[1].sheets if "official" in sheet.name)
    assert texts(nih) == [
        ["ASG", "79.5", "83.6", "README"],
        ["KAD", "\u2013", "82.5", "README"],
    ]
    assert nih.reasons == ("tuned",)
    assert [column.label for column in nih.columns] == [
        "Method",
        "1 %",
        "100 %",
        "Source",
    ]


def test_beside_a_real_corpus_only_those_of_the_same_protocol_and_benchmark() -> None:
    (group,) = published_groups(
        PUBLISHED, metrics=OURS, encoders=["unscored", "full"], is_synthetic=False
    )

    sheet = group.sheets[0]
    assert group.protocol == "mgca-linear"
    assert texts(sheet) == [
        ["full", "\u2013", "81.0", "this run"],
        ["ASG", "79.5", "83.6", "README"],
        ["KAD", "\u2013", "82.5", "README"],
        ["floor", "\u2013", "50.0", "this run"],
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"benchmark": "chexpert"},
        {"protocol": "linear-cached"},
        {"metric": "average_precision"},
        {"split": "lists"},
    ],
)
def test_a_number_that_differs_in_one_thing_does_not_stand_beside_ours(
    change: dict[str, str],
) -> None:
    ours = OURS.with_columns(
        pl.lit(value).alias(name) for name, value in change.items()
    )

    groups = published_groups(
        PUBLISHED, metrics=ours, encoders=["full"], is_synthetic=False
    )

    assert groups == []


def test_only_the_split_of_ours_is_shown() -> None:
    (group,) = published_groups(
        PUBLISHED, metrics=OURS, encoders=["full"], is_synthetic=False
    )

    (sheet,) = group.sheets
    assert "split official: AUC, in %. This run: One seed" in sheet.caption
    assert sheet.name == "published_nih_mgca-linear_auc_official"


def test_a_real_corpus_without_results_has_nothing_beside_it() -> None:
    groups = published_groups(
        PUBLISHED, metrics=METRICS.empty(), encoders=[], is_synthetic=False
    )

    assert groups == []
