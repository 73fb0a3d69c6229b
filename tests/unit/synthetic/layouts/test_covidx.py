"""COVIDx as it is made, read back with plain tools and compared with its plans."""

from collections import Counter
from pathlib import Path

import cv2
import pytest

from asg_core.synthetic.layouts import covidx
from asg_core.synthetic.layouts.population import plan_benchmark_patient
from asg_core.synthetic.world.world import GROUND_GLASS
from support.synthetic_benchmarks import files_in, small_world

CONFIG = small_world()


def test_covidx_rows_are_four_words_of_a_known_class(root: Path) -> None:
    folder = root / "covidx"
    train = [
        line.split(" ") for line in (folder / "train.txt").read_text().splitlines()
    ]
    test = [line.split(" ") for line in (folder / "test.txt").read_text().splitlines()]

    assert len(train) + len(test) == 24
    assert {len(row) for row in train + test} == {4}
    assert {row[2] for row in train} == {"normal", "pneumonia", "COVID-19"}
    assert {f"train/{row[1]}" for row in train} | {
        f"test/{row[1]}" for row in test
    } == (files_in(folder) - {"train.txt", "test.txt"})
    assert {row[3] for row in test if row[2] == "COVID-19"} <= {"ricord"}
    assert {row[3] for row in test if row[2] != "COVID-19"} <= {"rsna"}
    assert not {row[0] for row in train} & {row[0] for row in test}
    for row in train + test:
        part = "train" if row in train else "test"
        assert cv2.imread(str(folder / part / row[1])) is not None


def test_covidx_classes_are_what_the_plans_show() -> None:
    for index in range(60):
        patient = covidx.plan(index, CONFIG)
        for study in patient.studies:
            findings = {seen.finding for seen in study.observations}
            match covidx.class_of(patient):
                case "normal":
                    assert not findings
                case "pneumonia":
                    assert "pneumonia" in findings
                    assert GROUND_GLASS not in findings
                case "COVID-19":
                    assert GROUND_GLASS in findings
                    assert "pneumonia" not in findings


def test_covidx_classes_have_the_shares_of_the_real_parts() -> None:
    patients = [
        plan_benchmark_patient(index, CONFIG, stream=4) for index in range(2000)
    ]
    for is_train, expected in ((True, (0.27, 0.19, 0.54)), (False, (0.25, 0.25, 0.5))):
        counts = Counter(
            covidx.class_of(patient)
            for patient in patients
            if (patient.split == "train") == is_train
        )
        shares = [counts[kind] / counts.total() for kind in covidx.CLASSES]
        assert shares == pytest.approx(expected, abs=0.03 if is_train else 0.06)
