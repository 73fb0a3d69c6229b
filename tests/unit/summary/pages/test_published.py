import polars as pl

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
        PUBLISHED, metrics=OURS, encoders=["full"], is_synthetic=False
    )

    sheet = group.sheets[0]
    assert group.protocol == "mgca-linear"
    assert texts(sheet) == [
        ["full", "\u2013", "81.0", "this run"],
        ["ASG", "79.5", "83.6", "README"],
        ["KAD", "\u2013", "82.5", "README"],
        ["floor", "\u2013", "50.0", "this run"],
    ]


def test_a_number_on_another_split_is_apart_and_its_split_is_said() -> None:
    (group,) = published_groups(
        PUBLISHED, metrics=OURS, encoders=["full"], is_synthetic=False
    )

    own, other = group.sheets
    assert "official" in own.caption
    assert texts(other) == [["MRM", "85.3", "BenchX"]]
    assert "split 70-10-20" in other.caption
    assert "this run is on official" in other.caption
    assert own.name != other.name


def test_no_number_stands_beside_ours_when_every_split_differs() -> None:
    ours = OURS.with_columns(split=pl.lit("lists"))

    (group,) = published_groups(
        PUBLISHED, metrics=ours, encoders=["full"], is_synthetic=False
    )

    assert len(group.sheets) == 2
    assert not any(
        "this run" in cell for s in group.sheets for r in texts(s) for cell in r
    )


def test_a_real_corpus_without_results_has_nothing_beside_it() -> None:
    groups = published_groups(
        PUBLISHED, metrics=METRICS.empty(), encoders=[], is_synthetic=False
    )

    assert groups == []
