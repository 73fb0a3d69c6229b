from asg_core.tables.catalog import METRICS
from support.fake_results import fake_metrics
from support.points import metrics_of
from support.result_groups import groups_of
from support.sheets import texts


def test_no_value_is_a_dash_with_its_reason_and_never_0() -> None:
    nothing = {"value": None, "ci_low": None, "ci_high": None, "floor": None}
    metrics = metrics_of({**nothing, "reason": "one class in the test labels"})

    (group,) = groups_of(metrics)

    sheet = group.headlines[0].sheet
    assert texts(sheet) == [["full", "\u2013"], ["floor", "\u2013"]]
    assert sheet.reasons == ("one class in the test labels",)


def test_what_a_mean_leaves_out_stands_below_the_table() -> None:
    metrics = metrics_of({"reason": "mean over 13 of 14 targets, without Hernia"})

    (group,) = groups_of(metrics)

    assert group.headlines[0].sheet.reasons == (
        "mean over 13 of 14 targets, without Hernia",
    )


def test_two_protocols_never_share_a_table() -> None:
    groups = groups_of(fake_metrics())

    for group in groups:
        sheets = [headline.sheet for headline in group.headlines]
        for sheet in (*sheets, group.by_target, group.others):
            if sheet is not None and sheet.data is not None:
                assert sheet.data["protocol"].unique().to_list() == [group.protocol]
                assert sheet.data["benchmark"].unique().to_list() == [group.benchmark]
    assert len(groups) == len({(group.benchmark, group.protocol) for group in groups})


def test_a_floor_stands_in_every_column_of_scores() -> None:
    for group in groups_of(fake_metrics()):
        for headline in group.headlines:
            footer = headline.sheet.footer
            assert footer is not None
            assert footer[0].text == "floor"
            assert all(float(cell.text) for cell in footer[1:])


def test_segmentation_shows_both_kinds_of_dice() -> None:
    metrics = metrics_of(
        {"metric": "dice"},
        {"metric": "dice_positive"},
        {"metric": "false_positive_rate", "value": 0.125},
    )

    (group,) = groups_of(metrics)

    names = [
        headline.sheet.name.rpartition("_cached_")[2] for headline in group.headlines
    ]
    assert [name.partition("linear-cached_")[2] for name in names] == [
        "dice",
        "dice_positive",
    ]
    assert group.others is not None
    assert texts(group.others)[0][:3] == [
        "False-positive rate",
        "full",
        "12.5 [75.0, 85.0]",
    ]


def test_exclusive_classes_are_judged_by_accuracy() -> None:
    metrics = metrics_of(
        {"benchmark": "covidx", "metric": "accuracy"},
        {"benchmark": "covidx", "metric": "auc"},
    )

    (group,) = groups_of(metrics)

    assert [h.sheet.columns[0].label for h in group.headlines] == ["Encoder"]
    assert "Accuracy" in group.headlines[0].sheet.caption


def test_only_fractions_make_a_plot() -> None:
    several = metrics_of({"fraction": 0.1}, {"fraction": 1.0, "value": 0.9})

    assert groups_of(metrics_of({}))[0].headlines[0].plot is None
    assert groups_of(several)[0].headlines[0].plot is not None


def test_no_metrics_give_no_groups() -> None:
    assert groups_of(METRICS.empty()) == []
