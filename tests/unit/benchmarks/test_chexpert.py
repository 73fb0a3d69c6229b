"""CheXpert: written by hand, as the synthetic world makes it, and as released."""

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from asg_core.benchmarks.chexpert.read import (
    ChexpertRow,
    divide_train,
    frontal_only,
    label_value,
    read_rows,
)
from asg_core.benchmarks.chexpert.spec import FIVE, LABELS, ChexpertConfig
from asg_core.benchmarks.form import digest_of
from asg_core.benchmarks.gather import Gathering
from asg_core.benchmarks.layout import Layout
from asg_core.evaluation.protocols.mgca.training import sample_rows
from asg_core.sources.reading.files import SourceError
from asg_core.sources.rejects import RejectLog
from asg_core.terms.views import View
from support.benchmark_folders import (
    Copied,
    digest_in_order,
    expect_missed,
    read,
    read_labels,
    reasons,
    values,
    written,
)
from support.reference import released_labels

HEADER = ",".join(["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *LABELS])


CODES = {
    "Atelectasis": "-1.0",
    "Cardiomegaly": "-1.0",
    "Consolidation": "1.0",
    "Edema": "0.0",
    "Fracture": "-1.0",
}


# Frontal rows of train.csv that say 1, 0, -1, and nothing.
COUNTS = {
    "Atelectasis": (29_720, 1025, 29_863, 130_419),
    "Cardiomegaly": (23_385, 7869, 6707, 153_066),
    "Consolidation": (12_983, 19_608, 24_381, 134_055),
    "Edema": (49_675, 15_915, 11_818, 113_619),
    "Pleural Effusion": (76_899, 25_299, 9578, 79_251),
}


def chexpert_row(number: int, *, codes: dict[str, str], side: str = "Frontal") -> str:
    part = "valid" if number > 64_540 else "train"
    path = f"CheXpert-v1.0-small/{part}/patient{number:05d}/study1/view1_x.jpg"
    view = "AP" if side == "Frontal" else ""
    return ",".join(
        [
            path,
            "Male",
            "60",
            side,
            view,
            *(codes.get(key, "") for key in LABELS),
        ]
    )


def chexpert(root: Path, train: list[str]) -> Path:
    zeros = dict.fromkeys(LABELS, "0.0")
    return written(
        root,
        {
            "train.csv": [HEADER, *train],
            "valid.csv": [HEADER, chexpert_row(64_541, codes=zeros)],
        },
    )


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ("train.csv", "train.csv here or in one folder"),
        ("valid.csv", "one file valid.csv"),
    ],
)
def test_chexpert_without_one_of_its_files_is_refused(
    gone: str, words: str, copied: Copied
) -> None:
    root = copied("chexpert")
    (root / "CheXpert-v1.0-small" / gone).unlink()

    expect_missed("chexpert", root, words)


@pytest.mark.parametrize("name", ["train.csv", "valid.csv"])
def test_chexpert_without_one_of_its_columns_is_refused(
    name: str, copied: Copied
) -> None:
    root = copied("chexpert")
    path = root / "CheXpert-v1.0-small" / name
    path.write_text(path.read_text().replace("Frontal/Lateral", "Other", 1))

    expect_missed("chexpert", root, "expected the columns")


def test_chexpert_policy_of_five_targets_is_refused_for_fourteen() -> None:
    with pytest.raises(ValidationError, match=r"chexpert\.targets is 'fourteen'"):
        ChexpertConfig(targets="fourteen")


def test_chexpert_without_images_or_with_two_editions_is_refused(
    copied: Copied,
) -> None:
    root = copied("chexpert")
    (root / "CheXpert-v1.0").mkdir()
    (root / "CheXpert-v1.0" / "train.csv").write_text("x\n")
    with pytest.raises(SourceError, match="the folder of one edition"):
        read("chexpert", root)
    (root / "CheXpert-v1.0" / "train.csv").unlink()
    valid = root / "CheXpert-v1.0-small" / "valid"
    valid.rename(valid.with_name("renamed"))
    expect_missed("chexpert", root, r"image folders \['CheXpert-v1.0-small/valid'\]")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, (1, 0, 1, 0, 0)),
        ({"uncertain": "positive"}, (1, 1, 1, 0, 0)),
        ({"uncertain": "negative"}, (0, 0, 1, 0, 0)),
        ({"uncertain": "ignore"}, (None, None, 1, 0, 0)),
        ({"blank": "ignore"}, (1, 0, 1, 0, None)),
    ],
)
def test_chexpert_codes_under_each_policy(
    tmp_path: Path, settings: dict[str, Any], expected: tuple[float | None, ...]
) -> None:
    root = chexpert(tmp_path, [chexpert_row(number, codes=CODES) for number in (1, 2)])

    tables = read_labels("chexpert", root, **settings)

    found = values(tables, "train/patient00001/study1/view1_x.jpg")
    assert tables.benchmark.targets == FIVE
    assert tuple(found.get(target) for target in FIVE) == expected


def test_chexpert_has_fourteen_targets_when_asked(tmp_path: Path) -> None:
    root = chexpert(tmp_path, [chexpert_row(number, codes=CODES) for number in (1, 2)])

    tables = read_labels("chexpert", root, targets="fourteen", uncertain="positive")

    found = values(tables, "train/patient00001/study1/view1_x.jpg")
    assert tables.benchmark.targets == LABELS
    assert {target for target, value in found.items() if value} == {
        "Atelectasis",
        "Cardiomegaly",
        "Consolidation",
        "Fracture",
    }


def test_chexpert_rows_that_cannot_be_used(tmp_path: Path) -> None:
    train = [
        chexpert_row(1, codes={}),
        chexpert_row(2, codes={}),
        chexpert_row(3, codes={"Edema": "2.0"}),
        chexpert_row(4, codes={}, side="Oblique"),
        chexpert_row(1, codes={}),
        chexpert_row(5, codes={}).replace("patient", "person"),
        chexpert_row(64_541, codes={}).replace("valid", "train"),
        chexpert_row(6, codes={}) + ",0.0",
        chexpert_row(7, codes={}, side="Lateral"),
    ]

    tables = read_labels("chexpert", chexpert(tmp_path, train))

    assert reasons(tables) == {
        "train.csv:3": "unknown_label",
        "train.csv:4": "unknown_view",
        "train.csv:5": "duplicate_row",
        "train.csv:6": "malformed_path",
        "train/patient64541/study1/view1_x.jpg": "patient_in_two_parts",
        "train.csv:8": "malformed_row",
    }
    assert len(tables.benchmark.images) == 3
    assert tables.benchmark.notes["laterals_left_out"] == 1


def test_chexpert_images_keep_the_order_of_the_file_and_laterals_leave_no_gap(
    tmp_path: Path,
) -> None:
    sides = {7: "Lateral", 4: "Lateral"}
    numbers = [9, 7, 2, 30, 4, 1, 11, 5]
    train = [
        chexpert_row(number, codes=CODES, side=sides.get(number, "Frontal"))
        for number in numbers
    ]

    tables = read_labels("chexpert", chexpert(tmp_path, train))

    listed = [
        int(image_id.partition("patient")[2][:5])
        for image_id in tables.benchmark.images.filter(pl.col("split") == "train").sort(
            "split_index"
        )["image_id"]
    ]
    validate = tables.benchmark.part("validate")
    drawn = {int(image_id.partition("patient")[2][:5]) for image_id in validate}
    expected = [number for number in numbers if number not in {*sides, *drawn}]
    assert listed == expected
    assert tables.benchmark.num_listed == {
        "train": len(expected),
        "validate": len(validate),
        "test": len(tables.benchmark.part("test")),
    }


def test_chexpert_cells_may_be_whole_numbers_and_files_gzipped(tmp_path: Path) -> None:
    codes = {"Edema": "1", "Atelectasis": "0", "Cardiomegaly": "-1"}
    root = chexpert(tmp_path, [chexpert_row(number, codes=codes) for number in (1, 2)])
    for name in ("train.csv", "valid.csv"):
        with gzip.open(root / f"{name}.gz", "wt") as packed:
            packed.write((root / name).read_text())
        (root / name).unlink()

    found = values(
        read_labels("chexpert", root, uncertain="ignore", blank="ignore"),
        "train/patient00001/study1/view1_x.jpg",
    )

    assert found == {"Edema": 1, "Atelectasis": 0}


def test_chexpert_recipe_and_name_of_a_split_with_laterals(tmp_path: Path) -> None:
    train = [
        chexpert_row(number, codes=CODES, side="Lateral" if number % 3 else "Frontal")
        for number in range(1, 40)
    ]
    # A lateral of a patient of valid.csv is rejected, and not left out by choice.
    lateral = chexpert_row(64_541, codes={}, side="Lateral")
    train.append(lateral.replace("valid", "train"))
    root = chexpert(tmp_path, train)
    drawn = {"validate_share": 0.25, "seed": 3}

    every = read_labels("chexpert", root, views="all", **drawn).benchmark
    frontal = read_labels("chexpert", root, **drawn).benchmark
    other = read_labels("chexpert", root, validate_share=0.25).benchmark

    assert (every.split, frontal.split) == ("patient-all-views", "patient")
    assert every.recipe == (
        "patient (all views; validate: 0.25 of the patients of train.csv, seed 3; "
        "test: valid.csv)"
    )
    assert frontal.recipe.startswith("patient (frontal; ")
    assert len(every.part("validate")) == 10
    assert frontal.part("validate") != other.part("validate")
    assert frontal.notes == {
        "uncertain": "mgca",
        "blank": "negative",
        "laterals_left_out": 26,
    }


def test_chexpert_frontal_image_without_a_known_view_is_frontal(tmp_path: Path) -> None:
    rows = [chexpert_row(number, codes=CODES) for number in (1, 2)]
    rows[1] = rows[1].replace(",AP,", ",LL,")

    tables = read_labels("chexpert", chexpert(tmp_path, rows))

    views = dict(tables.benchmark.images.select("image_id", "view").iter_rows())
    assert views["train/patient00002/study1/view1_x.jpg"] == "FRONTAL"
    assert views["train/patient00001/study1/view1_x.jpg"] == "AP"


def test_chexpert_published_split_needs_rows_beside_those_of_5x200() -> None:
    rows = [
        ChexpertRow(
            image_id=f"{label}{number}",
            patient_id=f"{label}{number}",
            is_frontal=True,
            view=View.AP,
            codes={name: "present" if name == label else "blank" for name in LABELS},
        )
        for label in FIVE
        for number in range(201)
    ]

    with pytest.raises(SourceError, match=r"takes 5000 validation rows: .* found 5"):
        divide_train(rows, config=ChexpertConfig(split="mgca"))


def test_chexpert_published_split_needs_the_released_file(tmp_path: Path) -> None:
    root = chexpert(tmp_path, [chexpert_row(1, codes=CODES)])

    with pytest.raises(SourceError, match=r"takes 200 rows .* found 0"):
        read_labels("chexpert", root, split="mgca")


def test_chexpert_reads_the_root_itself_and_the_folder_above(
    made: Path, copied: Copied
) -> None:
    root = copied("chexpert")
    (root / "CheXpert-v1.0-small").rename(root / "CheXpert-v1.0")

    above = read("chexpert", root)
    itself = read("chexpert", root / "CheXpert-v1.0")

    assert above.benchmark.labels.equals(itself.benchmark.labels)
    assert above.benchmark.labels.equals(
        read("chexpert", made / "chexpert").benchmark.labels
    )
    assert [
        f"CheXpert-v1.0/{path}" for path in itself.benchmark.images["path"]
    ] == list(above.benchmark.images["path"])


def test_chexpert_leaves_laterals_out_and_counts_them(made: Path) -> None:
    frontal = read("chexpert", made / "chexpert")
    every = read("chexpert", made / "chexpert", views="all")

    laterals = every.benchmark.images.filter(pl.col("view") == "LATERAL")
    assert len(laterals) > 0
    assert frontal.benchmark.notes["laterals_left_out"] == len(laterals)
    assert len(frontal.benchmark.images) + len(laterals) == len(every.benchmark.images)
    assert frontal.benchmark.notes["extra_images"] == 0
    assert set(frontal.benchmark.images["view"]) == {"AP", "PA"}


@pytest.fixture(scope="module")
def chexpert_rows() -> dict[str, ChexpertRow]:
    path = released_labels("chexpert_train.csv.gz")
    layout = Layout(files={"train": path}, image_folders=(), missing_folders=())
    gathering = Gathering(
        root=path.parent,
        layout=layout,
        require_images=False,
        rejects=RejectLog("read_benchmark"),
    )
    rows = read_rows(gathering, "train")
    assert gathering.rejects.frame().is_empty()
    return rows


def test_chexpert_rows_patients_and_codes(
    chexpert_rows: dict[str, ChexpertRow],
) -> None:
    frontal = [row for row in chexpert_rows.values() if row.is_frontal]

    assert len(chexpert_rows) == 223_414
    assert len({row.patient_id for row in chexpert_rows.values()}) == 64_540
    assert len({name.rpartition("/")[0] for name in chexpert_rows}) == 187_641
    assert len(frontal) == 191_027
    # 17 frontal images say LL or RL.
    assert Counter(row.view for row in frontal) == {
        "AP": 161_590,
        "PA": 29_420,
        "FRONTAL": 17,
    }
    for target, counts in COUNTS.items():
        found: Counter[str] = Counter(row.codes[target] for row in frontal)
        order = ("present", "absent", "uncertain", "blank")
        assert tuple(found[code] for code in order) == counts


def test_chexpert_positives_under_the_default_policy(
    chexpert_rows: dict[str, ChexpertRow],
) -> None:
    config = ChexpertConfig()

    frontal = [row for row in chexpert_rows.values() if row.is_frontal]

    for target in FIVE:
        values = Counter(
            label_value(row.codes[target], target=target, config=config)
            for row in frontal
        )
        present, _, uncertain, _ = COUNTS[target]
        as_present = target not in {"Cardiomegaly", "Consolidation"}
        assert values[1.0] == present + as_present * uncertain
        assert values[0.0] + values[1.0] == 191_027


@pytest.mark.parametrize(
    ("split", "sizes", "digests", "shared"),
    [
        # Rows and frontal images; of the latter those in both parts; patients in both.
        (
            "mgca",
            {"train": (217_433, 185_771), "validate": (5000, 4284)},
            {"train": "a35347a8885b57f6", "validate": "4aff05918818b817"},
            (4907, 4203, 4566),
        ),
        (
            "mgca-corrected",
            {"train": (217_414, 185_743), "validate": (5000, 4284)},
            {"train": "05cbb8d54e4e2963", "validate": "4aff05918818b817"},
            (0, 0, 4080),
        ),
        (
            "patient",
            {"train": (217_780, 186_204), "validate": (5634, 4823)},
            {"train": "b1199ce1b08dcb82", "validate": "7e81a2fcfeff4586"},
            (0, 0, 0),
        ),
    ],
)
def test_chexpert_splits(
    chexpert_rows: dict[str, ChexpertRow],
    split: str,
    sizes: dict[str, tuple[int, int]],
    digests: dict[str, str],
    shared: tuple[int, int, int],
) -> None:
    config = ChexpertConfig.model_validate({"split": split})

    parts = divide_train(list(chexpert_rows.values()), config=config)

    ids = {part: set(of_part) for part, of_part in parts.items()}
    frontal = {
        part: {name for name in of_part if chexpert_rows[name].is_frontal}
        for part, of_part in ids.items()
    }
    patients = {
        part: {chexpert_rows[name].patient_id for name in of_part}
        for part, of_part in ids.items()
    }
    assert {part: (len(ids[part]), len(frontal[part])) for part in ids} == sizes
    assert {part: digest_of(frontal[part]) for part in ids} == digests
    assert shared == (
        len(ids["train"] & ids["validate"]),
        len(frontal["train"] & frontal["validate"]),
        len(patients["train"] & patients["validate"]),
    )


@pytest.mark.parametrize(
    ("fraction", "number", "digest"),
    [(0.01, 1858, "19f666a6255788b5"), (0.1, 18_577, "7db82199f8d5c435")],
)
def test_chexpert_fractions_are_those_that_mgca_draws(
    chexpert_rows: dict[str, ChexpertRow], fraction: float, number: int, digest: str
) -> None:
    config = ChexpertConfig(split="mgca")
    divided = divide_train(list(chexpert_rows.values()), config=config)
    listed = frontal_only(divided, rows=chexpert_rows)["train"]

    drawn = [
        listed[row] for row in sample_rows(len(listed), fraction=fraction, seed=42)
    ]

    assert (len(drawn), digest_in_order(drawn)) == (number, digest)
