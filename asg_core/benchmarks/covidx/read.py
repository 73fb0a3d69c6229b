"""COVIDx: lists of images with one class each, blank-separated and without a header."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from asg_core.benchmarks.covidx.spec import CovidxConfig
from asg_core.benchmarks.gather import BenchmarkReading, Gathering, ImageEntry
from asg_core.benchmarks.layout import Layout, with_folders
from asg_core.benchmarks.splits import divide_by_patient, divide_in_two, parts_of_ids
from asg_core.sources.config import Split
from asg_core.sources.reading.files import SourceError, require_file

THREE = ("normal", "pneumonia", "COVID-19")
BINARY = ("negative", "positive")
"""The classes of a version; versions with a B in the name, 6 and CXR-4 are binary."""

_WORDS = sorted({*THREE, *BINARY})


@dataclass(frozen=True, slots=True, kw_only=True)
class CovidxRow:
    """One usable row of a list."""

    name: str
    """Folder and file: "train/x.png"."""

    patient_id: str
    kind: str
    """The class."""

    source: str
    """The collection that the image comes from; empty in versions that do not say."""


def find_covidx(config: CovidxConfig, root: Path) -> Layout:
    """Return the files of COVIDx.

    Raises:
        SourceError: If a list is missing.
    """
    parts = ("test", "train", "val") if config.split == "lists" else ("test", "train")
    files = {
        part: require_file(
            root / f"{part}.txt", holds="names and classes", key="covidx.root"
        )
        for part in parts
    }
    return with_folders(root, files=files, folders=parts)


def read_covidx(gathering: Gathering, config: CovidxConfig) -> BenchmarkReading:
    """Read COVIDx; the test part is test.txt.

    The classes follow from the words that the lists use. Which collections the images of
    the test part come from is counted in the notes: in 9A the collection says whether an
    image shows COVID-19.

    The reasons of its rejects are `malformed_row`, `duplicate_row`,
    `patient_in_two_parts`, `missing_image`, `unreadable_image`.

    Raises:
        SourceError: If the lists mix the words of two versions.
    """
    lists = {
        folder: read_list(gathering, path)
        for folder, path in gathering.layout.files.items()
    }
    rows = {name: row for of_list in lists.values() for name, row in of_list.items()}
    targets = _classes(rows, root=gathering.root)
    divided = _divide(gathering, config=config, lists=lists)
    places = parts_of_ids(divided)
    sizes = gathering.add_images(
        [
            ImageEntry(
                image_id=name,
                patient_id=row.patient_id,
                path=name,
                labels={target: float(target == row.kind) for target in targets},
            )
            for name, row in rows.items()
            if name in places
        ],
        places=places,
        paths=gathering.paths(),
        named=rows,
    )
    for row in (rows[name] for name in sizes if "test" in places[name]):
        gathering.counts[f"test {row.kind} of {row.source or 'unnamed'}"] += 1
    return BenchmarkReading(
        split=config.split, recipe=_recipe(config), divided=divided, targets=targets
    )


def read_list(gathering: Gathering, path: Path) -> dict[str, CovidxRow]:
    """Return the usable rows of one list by "folder/file", in file order.

    A row is read from the right, because ids may hold blanks and old versions name no
    source: `patient_id filename class [source]`.
    """
    rows: dict[str, CovidxRow] = {}
    for where, line in gathering.lines(path):
        row = _row(line.split(), folder=path.stem)
        if row is None:
            detail = (
                f"expected 'patient file class source' with one of the classes {_WORDS}"
            )
            gathering.reject(
                where, reason="malformed_row", detail=f"{detail}, found '{line}'"
            )
        elif row.name in rows:
            gathering.reject_again(where, image=row.name)
        else:
            rows[row.name] = row
    return rows


def _row(words: Sequence[str], *, folder: str) -> CovidxRow | None:
    has_source = not words or words[-1] not in _WORDS
    source = words[-1] if has_source and words else ""
    named = words[:-1] if has_source else words
    if len(named) < 3 or named[-1] not in _WORDS:
        return None
    return CovidxRow(
        name=f"{folder}/{named[-2]}",
        patient_id=" ".join(named[:-2]),
        kind=named[-1],
        source=source,
    )


def _classes(rows: Mapping[str, CovidxRow], *, root: Path) -> tuple[str, ...]:
    """Return the classes of the version that the lists are of."""
    found = {row.kind for row in rows.values()}
    for classes in (THREE, BINARY):
        if found <= set(classes):
            return classes
    raise SourceError(
        f"{root}: expected lists with the classes {list(THREE)} or {list(BINARY)}, found "
        f"{sorted(found)}. Use the lists of one version of COVIDx."
    )


def _divide(
    gathering: Gathering,
    *,
    config: CovidxConfig,
    lists: Mapping[str, Mapping[str, CovidxRow]],
) -> dict[Split, list[str]]:
    """Return the images of each part."""
    train = list(lists["train"])
    if config.split == "lists":
        divided: dict[Split, list[str]] = {
            "train": train,
            "validate": list(lists["val"]),
        }
    elif config.split == "mgca":
        divided = divide_in_two(train, train_share=0.8, seed=0)
    else:
        apart = gathering.without_tested(
            {name: row.patient_id for name, row in lists["train"].items()},
            tested=[row.patient_id for row in lists["test"].values()],
        )
        divided = divide_by_patient(
            apart, share=config.validate_share, seed=config.seed
        )
    divided["test"] = list(lists["test"])
    return divided


def _recipe(config: CovidxConfig) -> str:
    validate = {
        "patient": config.draw_from("train.txt"),
        "mgca": "validate: 0.2 of the images of train.txt",
        "lists": "validate: val.txt",
    }
    return f"{config.split} ({validate[config.split]}; test: test.txt)"
