from collections.abc import Mapping

import pytest

from asg_core.summary.pages.benchmarks.page import encoder_series
from asg_core.tables.catalog import METRICS
from support.fake_results import fake_metrics
from support.points import metrics_of
from support.result_groups import groups_of
from support.sheets import texts
from support.svg_lines import lines_of


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
    sheet = group.headlines[0].sheet
    assert "Accuracy" in sheet.caption
    assert sheet.data is not None
    assert sheet.data["metric"].to_list() == ["accuracy"]


def test_only_fractions_make_a_plot() -> None:
    several = metrics_of({"fraction": 0.1}, {"fraction": 1.0, "value": 0.9})

    assert groups_of(metrics_of({}))[0].headlines[0].plot is None
    assert groups_of(several)[0].headlines[0].plot is not None


def test_no_metrics_give_no_groups() -> None:
    assert groups_of(METRICS.empty()) == []


def svg_of(*changes: Mapping[str, object]) -> str:
    (group,) = groups_of(metrics_of(*changes))
    plot = group.headlines[0].plot
    assert plot is not None
    return plot.svg


def test_the_floor_of_a_plot_lies_where_an_equal_score_does() -> None:
    svg = svg_of({"fraction": 0.1, "value": 0.5}, {"fraction": 1.0, "value": 0.5})

    (floor,) = lines_of(svg, colour="floor")
    *_, score = lines_of(svg, colour="series-0")
    assert floor == score


def test_scores_of_a_plot_lie_inside_their_intervals() -> None:
    svg = svg_of({"fraction": 0.1}, {"fraction": 1.0, "value": 0.9, "ci_high": 0.99})

    first, second, score = lines_of(svg, colour="series-0")
    for (x, y), interval in zip(score, (first, second), strict=True):
        (left, low), (right, high) = interval
        assert left == right == x
        assert high < y < low  # y grows downwards
    assert score[1][1] < score[0][1]
    assert score[1][0] > score[0][0]


def test_a_floor_that_differs_between_encoders_is_drawn_as_their_mean() -> None:
    svg = svg_of(
        *({"fraction": fraction, "floor": 0.4} for fraction in (0.1, 1.0)),
        *(
            {"encoder": "ira", "fraction": fraction, "floor": 0.6, "value": 0.5}
            for fraction in (0.1, 1.0)
        ),
    )

    (floor,) = lines_of(svg, colour="floor")
    *_, ira = lines_of(svg, colour="series-1")
    assert [y for _, y in floor] == pytest.approx([y for _, y in ira], abs=1e-4)


def test_an_encoder_has_the_colour_of_its_run() -> None:
    config = {
        "evaluation": {
            "encoders": {
                "pixels": {"kind": "pixels"},
                "ours": {"kind": "run", "run": "full"},
                "ira": {"kind": "run"},
                "again": {"kind": "run", "run": "full"},
            }
        }
    }

    series = encoder_series(
        ["pixels", "ours", "ira", "again"], runs=["ira", "full"], config=config
    )

    # A run has one colour: the second encoder of it gets one of its own.
    assert series == {"ours": 1, "ira": 0, "pixels": 2, "again": 3}


def test_what_the_numbers_are_over_is_said() -> None:
    metrics = metrics_of(
        {"fraction": 0.1, "num_train": 1200},
        {"fraction": 1.0, "num_train": 12000},
        {"fraction": 0.0, "num_train": 0},
    )

    (group,) = groups_of(metrics)

    assert group.support == (
        "Scored on 40 test images; split as-distributed, digest of the test images 00.",
        "Training images at 10 %: 1,200, 100 %: 12,000.",
    )
    assert group.headlines[0].sheet.caption == (
        "NIH, linear-cached: AUC: area under the ROC curve, mean over the targets, in %. "
        "Over 40 test images. One seed; in brackets the 95 % bootstrap interval over the "
        "patients of the test set."
    )


def test_a_headline_has_a_row_an_encoder_and_a_column_a_fraction() -> None:
    metrics = metrics_of(
        {"fraction": 0.1, "value": 0.71},
        {"fraction": 1.0, "value": 0.91, "ci_low": 0.88, "ci_high": 0.94},
        {"encoder": "ira", "fraction": 1.0, "value": 0.86},
        {"encoder": "ira", "fraction": 0.1, "target": "Edema"},
    )

    sheet = groups_of(metrics)[0].headlines[0].sheet

    assert [column.label for column in sheet.columns] == ["Encoder", "10 %", "100 %"]
    assert texts(sheet) == [
        ["full", "71.0 [75.0, 85.0]", "91.0 [88.0, 94.0]"],
        ["ira", "\u2013", "86.0 [75.0, 85.0]"],
        ["floor", "50.0", "50.0"],
    ]
    assert sheet.reasons == ("not evaluated at this fraction",)
    assert sheet.data is not None
    assert sheet.data["metric"].unique().to_list() == ["auc"]


def test_groups_stand_by_benchmark_then_protocol() -> None:
    groups = groups_of(fake_metrics())

    assert [group.slug for group in groups] == [
        "covidx-linear-cached",
        "nih-linear-cached",
        "nih-zero-shot-tags",
        "rsna-segmentation-cached",
    ]
