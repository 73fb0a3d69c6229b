from support.points import metrics_of
from support.result_groups import groups_of
from support.sheets import texts


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


def test_the_tables_keep_targets_and_further_metrics_apart() -> None:
    metrics = metrics_of(
        {},
        {"metric": "f1", "value": 0.6},
        {"target": "Edema", "num_positive": 7},
        {"target": "Edema", "num_positive": 7, "metric": "f1"},
    )

    (group,) = groups_of(metrics)

    assert group.by_target is not None
    assert [row[:2] for row in texts(group.by_target)] == [["Edema", "AUC"]]
    assert group.others is not None
    assert [row[:3] for row in texts(group.others)] == [
        ["F1", "full", "60.0 [75.0, 85.0]"]
    ]


def test_floors_and_training_positives_are_those_of_the_fractions() -> None:
    metrics = metrics_of(
        {},
        *(
            {
                "target": "Edema",
                "fraction": fraction,
                "num_train_positive": positives,
                "floor": floor,
            }
            for fraction, positives, floor in (
                (0.0, 99, 0.5),
                (0.1, 2, 0.5),
                (1.0, 21, 0.625),
            )
        ),
    )

    (group,) = groups_of(metrics)

    assert group.by_target is not None
    (row,) = texts(group.by_target)
    assert row[2:4] == ["\u2013 of 40", "2 / 21"]
    assert row[-1] == "50.0 / 50.0 / 62.5"
