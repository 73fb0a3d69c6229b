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
