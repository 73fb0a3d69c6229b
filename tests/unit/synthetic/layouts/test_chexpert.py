"""CheXpert as it is made, read back with plain tools and compared with its plans."""

from pathlib import Path

import numpy as np

from asg_core.synthetic.layouts import chexpert
from asg_core.synthetic.layouts.population import meet
from asg_core.synthetic.world.world import Observation
from support.synthetic_benchmarks import files_in, rows_in, small_world

CONFIG = small_world()


def seen(finding: str, *, is_certain: bool = True) -> Observation:
    return Observation(
        finding=finding,
        places=("left lung",),
        severity=0.5,
        is_certain=is_certain,
        change=None,
    )


def test_chexpert_rows_name_the_files_and_the_views(root: Path) -> None:
    folder = root / "chexpert" / "CheXpert-v1.0-small"
    train, valid = rows_in(folder / "train.csv"), rows_in(folder / "valid.csv")
    rows = train[1:] + valid[1:]

    assert train[0] == valid[0]
    assert train[0][:7] == [
        "Path",
        "Sex",
        "Age",
        "Frontal/Lateral",
        "AP/PA",
        "No Finding",
        "Enlarged Cardiomediastinum",
    ]
    assert len(train[0]) == 19
    assert len(rows) == 30
    assert valid[1:]
    assert {f"CheXpert-v1.0-small/{name}" for name in files_in(folder)} == {
        *(row[0] for row in rows),
        "CheXpert-v1.0-small/train.csv",
        "CheXpert-v1.0-small/valid.csv",
    }
    laterals = [row for row in rows if row[3] == "Lateral"]
    assert laterals
    assert all(row[4] == "" and row[0].endswith("_lateral.jpg") for row in laterals)
    assert {row[4] for row in rows if row[3] == "Frontal"} == {"AP", "PA"}
    assert {row[1] for row in rows} == {"Female", "Male"}


def test_chexpert_codes_of_train_and_valid_differ(root: Path) -> None:
    folder = root / "chexpert" / "CheXpert-v1.0-small"
    train = rows_in(folder / "train.csv")[1:]
    valid = rows_in(folder / "valid.csv")[1:]

    assert {cell for row in train for cell in row[5:]} == {"", "0.0", "1.0", "-1.0"}
    assert {cell for row in valid for cell in row[5:]} == {"0.0", "1.0"}
    by_study: dict[str, set[tuple[str, ...]]] = {}
    for row in train + valid:
        by_study.setdefault(row[0].rpartition("/")[0], set()).add(tuple(row[5:]))
    assert {len(labels) for labels in by_study.values()} == {1}


def test_chexpert_rows_are_of_their_own_patient_and_study(root: Path) -> None:
    folder = root / "chexpert" / "CheXpert-v1.0-small"
    num_later = 0
    for part in ("train", "valid"):
        header, *rows = rows_in(folder / f"{part}.csv")
        for cells in rows:
            row = dict(zip(header, cells, strict=True))
            _, folder_name, patient_name, study_name, _ = row["Path"].split("/")
            number = int(patient_name.removeprefix("patient"))
            study_index = int(study_name.removeprefix("study")) - 1
            patient = chexpert.plan(number - (64_541 if part == "valid" else 1), CONFIG)
            person, study = meet(patient), patient.studies[study_index]
            expected = "valid" if patient.split == "test" else "train"
            assert folder_name == part == expected
            assert row["Sex"] == {"F": "Female", "M": "Male"}[person.sex]
            assert int(row["Age"]) == min(person.age + study_index, 90)
            certain, hedged = (
                {
                    chexpert.LABEL_OF[shown.finding]
                    for shown in study.observations
                    if shown.finding in chexpert.LABEL_OF
                    and shown.is_certain == is_certain
                }
                for is_certain in (True, False)
            )
            # Who labelled the validation part knew no doubt.
            certain |= hedged if part == "valid" else set()
            for code, labels in (("1.0", certain), ("-1.0", hedged - certain)):
                assert {label for label in header[6:] if row[label] == code} == labels
            is_healthy = not (certain | hedged) - {"Support Devices"}
            assert (row["No Finding"] == "1.0") == is_healthy
            num_later += study_index > 0
    assert num_later > 2


def test_a_hedged_finding_is_a_finding() -> None:
    codes = chexpert.train_labels(
        [seen("edema", is_certain=False)], rng=np.random.default_rng(0)
    )

    assert codes["Edema"] == "-1.0"
    assert "No Finding" not in codes


def test_chexpert_codes_of_one_training_study() -> None:
    observations = [
        seen("opacity", is_certain=False),
        seen("infiltration"),  # the same label, and certain
        seen("edema", is_certain=False),
        seen("hernia"),  # no label of this benchmark
    ]

    codes = [
        chexpert.train_labels(observations, rng=np.random.default_rng(seed))
        for seed in range(60)
    ]

    assert all(code["Lung Opacity"] == "1.0" for code in codes)
    assert all(code["Edema"] == "-1.0" for code in codes)
    assert not any("No Finding" in code or "Fracture" in code for code in codes)
    # Ruled out in a quarter of the reports, and blank in the others.
    ruled_out = sum(code.get("Pneumothorax") == "0.0" for code in codes)
    assert 6 <= ruled_out <= 26


def test_chexpert_codes_of_validation_studies() -> None:
    device = chexpert.valid_labels([seen("tube")])
    hedged = chexpert.valid_labels([seen("mass", is_certain=False)])

    assert {label for label, code in device.items() if code == "1.0"} == {
        "No Finding",
        "Support Devices",
    }
    assert {label for label, code in hedged.items() if code == "1.0"} == {"Lung Lesion"}
    assert set(hedged) == set(chexpert.LABELS)
