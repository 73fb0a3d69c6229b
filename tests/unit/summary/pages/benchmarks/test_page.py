import polars as pl
import pytest

from asg_core.summary.inputs import Notes
from asg_core.summary.pages.benchmarks.page import (
    ResultGroup,
    about_benchmarks,
    group_results,
    not_applicable,
    overview_sheets,
)
from asg_core.summary.sheets.scores import floor_text, over_seeds, score_cell
from asg_core.summary.sheets.sheet import Sheet
from asg_core.summary.terminal import WIDTH, results_table
from asg_core.tables.catalog import METRICS
from support.fake_results import ENCODERS, fake_metrics

POINT = {
    "benchmark": "nih",
    "protocol": "linear-cached",
    "encoder": "full",
    "fraction": 0.1,
    "seed": 0,
    "metric": "auc",
    "target": "all",
    "value": 0.8,
    "ci_low": 0.75,
    "ci_high": 0.85,
    "floor": 0.5,
    "num_items": 40,
    "num_train": 10,
    "split": "as-distributed",
    "test_digest": "00",
}


def metrics_of(*changes: dict[str, object]) -> pl.DataFrame:
    return METRICS.frame(POINT | change for change in changes)


def texts(sheet: Sheet) -> list[list[str]]:
    return [[cell.plain for cell in row] for row in sheet.all_rows]


def groups_of(metrics: pl.DataFrame) -> list[ResultGroup]:
    encoders = metrics["encoder"].unique().sort().to_list()
    series = {name: index for index, name in enumerate(encoders)}
    return group_results(metrics, encoders=encoders, series=series)


def test_seeds_become_a_mean_with_its_spread() -> None:
    metrics = metrics_of(
        {"seed": 0, "value": 0.80, "ci_low": 0.70, "ci_high": 0.90},
        {"seed": 1, "value": 0.84, "ci_low": 0.74, "ci_high": 0.94},
    )

    point = over_seeds(metrics).row(0, named=True)

    assert point["value"] == pytest.approx(0.82)
    assert point["sd"] == pytest.approx(0.02 * 2**0.5)
    assert (point["num_seeds"], point["num_values"]) == (2, 2)
    assert score_cell(point).plain == "82.0 \u00b1 2.8 [72.0, 92.0]"


def test_support_is_that_of_the_seeds_with_a_value() -> None:
    nothing: dict[str, object] = {
        "value": None,
        "ci_low": None,
        "ci_high": None,
        "num_items": 100,
    }
    metrics = metrics_of(
        {"seed": 0, "num_items": 40}, {"seed": 1, **nothing, "reason": "no mask"}
    )

    assert over_seeds(metrics)["num_items"].to_list() == [40]
    assert over_seeds(metrics_of(nothing))["num_items"].to_list() == [100]


def test_one_seed_has_no_spread() -> None:
    cell = score_cell(over_seeds(metrics_of({})).row(0, named=True))

    assert cell.plain == "80.0 [75.0, 85.0]"


def test_a_seed_without_a_value_is_counted() -> None:
    nothing = {"value": None, "ci_low": None, "ci_high": None}
    metrics = metrics_of(
        {"seed": 0}, {"seed": 1, **nothing, "reason": "one class in training"}
    )

    cell = score_cell(over_seeds(metrics).row(0, named=True))

    assert cell.plain == "80.0 [75.0, 85.0] (1 of 2 seeds)"
    assert cell.why == "one class in training"


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


def test_floors_that_differ_are_a_range() -> None:
    metrics = metrics_of({"floor": 0.5}, {"encoder": "ira", "floor": 0.62})

    assert floor_text(metrics, metric="auc") == "50.0\u201362.0"


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


def test_targets_show_their_positives() -> None:
    metrics = metrics_of(
        {},
        {"target": "Edema", "num_positive": 7, "num_train_positive": 2},
        {"target": "Edema", "num_positive": 7, "encoder": "ira"},
    )

    (group,) = groups_of(metrics)

    assert group.by_target is not None
    assert texts(group.by_target) == [
        ["Edema", "AUC", "7 of 40", "2", "full", "80.0 [75.0, 85.0]", "50.0"],
        ["", "", "", "", "ira", "80.0 [75.0, 85.0]", "50.0"],
    ]


def test_the_overview_takes_the_largest_fraction() -> None:
    metrics = metrics_of({"fraction": 0.1}, {"fraction": 1.0, "value": 0.9})

    (sheet,) = overview_sheets(metrics, encoders=["full"])

    assert texts(sheet) == [["full", "90.0 [75.0, 85.0]"], ["floor", "50.0"]]
    assert sheet.columns[1].label == "NIH AUC"


def test_equal_reasons_are_joined_and_parts_are_said_once() -> None:
    notes = [
        Notes(
            benchmark="nih",
            encoder=encoder,
            not_applicable=(("zero-shot-tags", "no text side"),),
            counts={"train": 1200, "test": 300},
            overlaps={"train and test": {"patients": 0}},
        )
        for encoder in ("random", "pixels")
    ]

    (entry,) = not_applicable(notes)["nih"]

    assert entry.encoders == ("random", "pixels")
    assert about_benchmarks(notes) == {
        "nih": [
            "Images of the parts: train 1,200, test 300.",
            "Shared between parts: train and test: 0 patients.",
        ]
    }


def test_no_metrics_give_no_groups() -> None:
    assert groups_of(METRICS.empty()) == []
    assert overview_sheets(METRICS.empty(), encoders=[]) == []


def test_the_text_form_fits_its_width_and_is_ascii() -> None:
    text = results_table(fake_metrics(), encoders=ENCODERS)

    assert max(len(line) for line in text.splitlines()) <= WIDTH
    assert text.isascii()
    assert "  full     83.4 [80.3, 86.1]" in text
    assert text.count("\n  floor ") == 5


def test_the_text_form_cuts_long_names_and_many_fractions() -> None:
    name = "an_encoder_with_a_very_long_name_indeed"
    metrics = metrics_of(
        *({"encoder": name, "fraction": step / 10} for step in range(1, 11))
    )

    text = results_table(metrics)

    assert max(len(line) for line in text.splitlines()) <= WIDTH
    assert "an_encoder_with_a_very_l.." in text
    assert "smaller fractions not shown" in text


def test_the_text_form_of_nothing_is_a_sentence() -> None:
    assert results_table(METRICS.empty()) == "No encoder was evaluated.\n"
