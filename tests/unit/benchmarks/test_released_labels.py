"""The readers on the released label files, against published or recounted numbers.

torchxrayvision ships the files; nothing of them is in this repository.
"""

import csv
import gzip
import shutil
import zipfile
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import polars as pl
import pytest

from asg_core.benchmarks.chexpert import (
    FIVE,
    ChexpertRow,
    divide_train,
    frontal_only,
    label_value,
    read_rows,
)
from asg_core.benchmarks.config import BenchmarksConfig, ChexpertConfig
from asg_core.benchmarks.form import (
    BenchmarkTables,
    digest_of,
    load_benchmark,
    part_ids,
    write_benchmark,
)
from asg_core.benchmarks.gather import Gathering
from asg_core.benchmarks.layouts import Layout
from asg_core.benchmarks.read import read_benchmark
from asg_core.evaluation.protocols.mgca.training import (
    draw_training_images,
    sample_rows,
)
from asg_core.tables.catalog import SPLITS
from support.reference import released_labels

Parts = dict[str, tuple[int, int, str]]
"""Images, positive images and digest of the ids of each part."""

NIH_COUNTS = {
    "Atelectasis": 11_559,
    "Cardiomegaly": 2776,
    "Effusion": 13_317,
    "Infiltration": 19_894,
    "Mass": 5782,
    "Nodule": 6331,
    "Pneumonia": 1431,
    "Pneumothorax": 5302,
    "Consolidation": 4667,
    "Edema": 2303,
    "Emphysema": 2516,
    "Fibrosis": 1686,
    "Pleural_Thickening": 3385,
    "Hernia": 227,
}

# Frontal rows of train.csv that say 1, 0, -1, and nothing.
CHEXPERT_COUNTS = {
    "Atelectasis": (29_720, 1025, 29_863, 130_419),
    "Cardiomegaly": (23_385, 7869, 6707, 153_066),
    "Consolidation": (12_983, 19_608, 24_381, 134_055),
    "Edema": (49_675, 15_915, 11_818, 113_619),
    "Pleural Effusion": (76_899, 25_299, 9578, 79_251),
}


def parts_of(tables: BenchmarkTables) -> Parts:
    positive = set(tables.labels.filter(pl.col("value") == 1)["image_id"])
    ids = {split: part_ids(tables.images, split=split) for split in SPLITS}
    return {
        split: (len(ids[split]), len(positive & set(ids[split])), digest_of(ids[split]))
        for split in SPLITS
    }


def digest_in_order(image_ids: Sequence[str]) -> str:
    return blake2b("\n".join(image_ids).encode(), digest_size=8).hexdigest()


@pytest.fixture(scope="module")
def nih_tables(tmp_path_factory: pytest.TempPathFactory) -> BenchmarkTables:
    """The released rows and boxes. The lists are not shipped: those are ours, by patient."""
    root = tmp_path_factory.mktemp("nih")
    for name in ("Data_Entry_2017_v2020.csv.gz", "BBox_List_2017.csv.gz"):
        shutil.copy(released_labels(name), root)
    with gzip.open(root / "Data_Entry_2017_v2020.csv.gz", "rt", newline="") as lines:
        names = [row["Image Index"] for row in csv.DictReader(lines)]
    is_test = [int(name[:8]) > 28_008 for name in names]
    for file, wanted in (("train_val_list.txt", False), ("test_list.txt", True)):
        listed = [
            name for name, test in zip(names, is_test, strict=True) if test == wanted
        ]
        (root / file).write_text("\n".join(listed))
    return read_benchmark(
        "nih", config=BenchmarksConfig(), root=root, require_images=False
    )


def test_nih_rows_patients_classes_and_boxes(nih_tables: BenchmarkTables) -> None:
    tables = nih_tables

    labels = tables.labels.pivot("target", index="image_id", values="value")
    positives = {target: int(labels[target].sum()) for target in tables.targets}
    without = labels.filter(pl.sum_horizontal(tables.targets) == 0)
    assert tables.rejects.is_empty()
    assert len(tables.images) == 112_120
    assert tables.images["patient_id"].n_unique() == 30_805
    assert positives == NIH_COUNTS
    assert len(without) == 60_361  # those that say "No Finding"
    assert Counter(tables.images["view"]) == {"PA": 67_310, "AP": 44_810}
    assert len(tables.boxes) == 984
    assert tables.boxes["image_id"].n_unique() == 880
    assert tables.boxes["target"].n_unique() == 8


def test_nih_validation_patients_are_a_tenth_and_in_no_other_part(
    nih_tables: BenchmarkTables,
) -> None:
    tables = nih_tables

    patients = {
        split: set(tables.images.filter(pl.col("split") == split)["patient_id"])
        for split in SPLITS
    }
    assert len(patients["train"]) + len(patients["validate"]) == 28_008
    assert len(patients["validate"]) == 2801
    assert len(patients["test"]) == 2797
    assert set.union(*patients.values()) == set(tables.images["patient_id"])
    assert not any(
        count for pair in tables.overlaps.values() for count in pair.values()
    )


@pytest.fixture(scope="module")
def chexpert_rows() -> dict[str, ChexpertRow]:
    path = released_labels("chexpert_train.csv.gz")
    layout = Layout(
        files={"train": path}, image_folders=(), missing_folders=(), key="chexpert.root"
    )
    gathering = Gathering(
        name="chexpert", root=path.parent, layout=layout, require_images=False
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
    for target, counts in CHEXPERT_COUNTS.items():
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
        present, _, uncertain, _ = CHEXPERT_COUNTS[target]
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


@pytest.fixture(scope="module")
def rsna_tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, BenchmarkTables]:
    """The benchmark under each of its splits."""
    root = tmp_path_factory.mktemp("rsna")
    path = released_labels("kaggle_stage_2_train_labels.csv.zip")
    with zipfile.ZipFile(path) as archive:
        archive.extract("stage_2_train_labels.csv", root)
    return {
        split: read_benchmark(
            "rsna",
            config=BenchmarksConfig.model_validate({"rsna": {"split": split}}),
            root=root,
            require_images=False,
        )
        for split in ("mgca", "mgca-detection", "benchx")
    }


@pytest.mark.parametrize(
    ("split", "parts"),
    [
        (
            "mgca",
            {
                "train": (18_678, 4162, "2cc79d2ffa55520c"),
                "validate": (4003, 928, "55e28adcc2c5b098"),
                "test": (4003, 922, "ae13d2b1cb157c61"),
            },
        ),
        (
            "mgca-detection",
            {
                "train": (16_010, 3579, "bea284d10f1654de"),
                "validate": (5337, 1182, "35524467ec6937f7"),
                "test": (5337, 1251, "99aa756b38bfcf57"),
            },
        ),
        (
            "benchx",
            {
                "train": (18_678, 4208, "c47f2ad474e51350"),
                "validate": (4003, 902, "1c1921a13412de0e"),
                "test": (4003, 902, "65a1745d96a055f8"),
            },
        ),
    ],
)
def test_rsna_counts_and_splits(
    rsna_tables: dict[str, BenchmarkTables], split: str, parts: Parts
) -> None:
    tables = rsna_tables[split]

    per_image = Counter(tables.boxes["image_id"])
    assert parts_of(tables) == parts
    assert tables.rejects.is_empty()
    assert len(tables.images) == 26_684
    assert len(tables.boxes) == 9555
    assert Counter(per_image.values()) == {1: 2614, 2: 3266, 3: 119, 4: 13}
    assert len(per_image) == 6012
    assert not any(
        count for pair in tables.overlaps.values() for count in pair.values()
    )


def test_rsna_splits_of_equal_size_are_of_other_images(
    rsna_tables: dict[str, BenchmarkTables],
) -> None:
    ids = {
        (split, part): set(part_ids(rsna_tables[split].images, split=part))
        for split in ("mgca", "benchx")
        for part in SPLITS
    }

    assert len(ids["mgca", "test"] & ids["benchx", "test"]) == 617
    assert len(ids["mgca", "test"] & ids["benchx", "train"]) == 2787


# Images, and the digest of their ids in the order of the draw: of the data sets of MGCA's
# own code at 680fe4a, run on these files after its preprocessing (pandas 2.3.3).
@pytest.mark.parametrize(
    ("fraction", "number", "digest"),
    [(0.01, 187, "3db12cfca3510229"), (0.1, 1868, "89ea86a56d8f5d39")],
)
def test_rsna_fractions_are_those_that_mgca_draws(
    rsna_tables: dict[str, BenchmarkTables],
    tmp_path: Path,
    fraction: float,
    number: int,
    digest: str,
) -> None:
    write_benchmark(rsna_tables["mgca"], tmp_path)
    benchmark = load_benchmark(tmp_path)

    drawn = draw_training_images(benchmark, fraction=fraction, seed=42)

    assert (len(drawn), digest_in_order(drawn)) == (number, digest)


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


@pytest.fixture(scope="module")
def siim_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("siim")
    shutil.copy(released_labels("siim-pneumothorax-train-rle.csv.gz"), root)
    return root


def test_siim_stage_2_counts_and_the_split_by_image(siim_root: Path) -> None:
    tables = read_benchmark(
        "siim", config=BenchmarksConfig(), root=siim_root, require_images=False
    )

    assert parts_of(tables) == {
        "train": (8432, 1860, "1519eeff196d2364"),
        "validate": (1808, 404, "78d39a68071c451f"),
        "test": (1807, 405, "02d8c27edf7012d2"),
    }
    assert tables.rejects.is_empty()
    assert len(tables.images) == 12_047
    assert len(tables.masks) == 2669
    assert not any(
        count for pair in tables.overlaps.values() for count in pair.values()
    )


def test_siim_split_by_row_shares_images_and_their_masks(siim_root: Path) -> None:
    config = BenchmarksConfig.model_validate({"siim": {"split": "mgca-rows"}})

    tables = read_benchmark("siim", config=config, root=siim_root, require_images=False)

    assert parts_of(tables) == {
        "train": (8578, 2002, "669045a168fddd31"),
        "validate": (1910, 535, "dbcfca61adec48d0"),
        "test": (1903, 476, "b1640e8da1c537e5"),
    }
    assert {pair: shared["images"] for pair, shared in tables.overlaps.items()} == {
        "train/validate": 161,
        "train/test": 154,
        "validate/test": 62,
    }
    # Positive test images with a part of the mask in another part.
    positive = set(tables.masks["image_id"])
    test = set(part_ids(tables.images, split="test")) & positive
    elsewhere = {name.partition("@")[0] for name in positive if "@" in name}
    assert len(test & elsewhere) == 183
