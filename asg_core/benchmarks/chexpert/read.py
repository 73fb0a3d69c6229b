"""CheXpert: train.csv and valid.csv, whose cells are 1, 0, -1 or blank."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from asg_core.benchmarks.chexpert.spec import FIVE, LABELS, NO_FINDING, ChexpertConfig
from asg_core.benchmarks.gather import BenchmarkReading, Gathering, ImageEntry
from asg_core.benchmarks.layout import Layout, label_file, with_folders
from asg_core.benchmarks.splits import choose, divide_by_patient, parts_of_ids
from asg_core.sources.config import Split
from asg_core.sources.reading.files import SourceError, sorted_entries
from asg_core.terms.view_spellings import canonical_view
from asg_core.terms.views import FRONTAL, View

COLUMNS = ("Path", "Frontal/Lateral", "AP/PA", *LABELS)


Code = Literal["present", "absent", "uncertain", "blank"]
"""What a cell says."""

_CODES: Mapping[str, Code] = {
    **dict.fromkeys(("1.0", "1"), "present"),
    **dict.fromkeys(("0.0", "0"), "absent"),
    **dict.fromkeys(("-1.0", "-1"), "uncertain"),
    "": "blank",
}
_MGCA_POSITIVE = frozenset({"Atelectasis", "Edema", "Pleural Effusion"})
_EXAMPLE = "CheXpert-v1.0-small/train/patient00001/study1/view1_frontal.jpg"
_PATH = re.compile(r"[^/]+/((?:train|valid)/(patient\d+)/study\d+/[^/]+\.jpg)")

_NUM_PER_LABEL = 200  # of CheXpert-5x200
_NUM_VALIDATE = 5000
_KEY = "chexpert.root"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChexpertRow:
    """One usable row."""

    image_id: str
    """The path below the dataset's folder, the same in both sizes of the dataset."""

    patient_id: str
    is_frontal: bool
    view: View
    codes: Mapping[str, Code]


def find_chexpert(_config: ChexpertConfig, root: Path) -> Layout:
    """Return the files of CheXpert, in the root or in the only such folder in it.

    Raises:
        SourceError: If a file or a column is missing, or if there are two editions.
    """
    folder = _edition(root)
    files = {
        part: label_file(
            folder, f"{part}.csv", holds="the labels", columns=COLUMNS, key=_KEY
        )
        for part in ("train", "valid")
    }
    below = "" if folder == root else folder.name
    return with_folders(root, files=files, folders=files, below=below)


def read_chexpert(gathering: Gathering, config: ChexpertConfig) -> BenchmarkReading:
    """Read CheXpert; the test part is valid.csv.

    The reasons of its rejects are `malformed_row`, `malformed_path`, `duplicate_row`,
    `unknown_view`, `unknown_label`, `patient_in_two_parts`, `missing_image`,
    `unreadable_image`.

    Raises:
        SourceError: If train.csv is not the one that a published division is of.
    """
    train = read_rows(gathering, "train")
    test = read_rows(gathering, "valid")
    rows = train | test
    if config.split == "patient":
        apart = gathering.without_tested(
            {image_id: row.patient_id for image_id, row in train.items()},
            tested=[row.patient_id for row in test.values()],
        )
        train = {image_id: train[image_id] for image_id in apart}
    divided = divide_train(list(train.values()), config=config)
    divided["test"] = list(test)
    if config.views == "frontal":
        num_laterals = sum(
            not rows[image_id].is_frontal for image_id in parts_of_ids(divided)
        )
        gathering.counts["laterals_left_out"] += num_laterals
        divided = frontal_only(divided, rows=rows)
    places = parts_of_ids(divided)
    gathering.add_images(
        [
            _entry(rows[image_id], layout=gathering.layout, config=config)
            for image_id in places
        ],
        places=places,
        paths=gathering.paths(),
        named=[_path(image_id, layout=gathering.layout) for image_id in rows],
    )
    # Laterals make another test part, so the split has another name.
    other = "" if config.views == "frontal" else "-all-views"
    return BenchmarkReading(
        split=f"{config.split}{other}",
        recipe=_recipe(config),
        divided=divided,
        targets=config.names,
        notes={"uncertain": config.uncertain, "blank": config.blank},
    )


def read_rows(
    gathering: Gathering, part: Literal["train", "valid"]
) -> dict[str, ChexpertRow]:
    """Return the usable rows of train.csv or valid.csv by image, in file order."""
    rows: dict[str, ChexpertRow] = {}
    path = gathering.layout.files[part]
    for where, (stated, side, view, *cells) in gathering.rows(path, columns=COLUMNS):
        match = _PATH.fullmatch(stated)
        unknown = [cell for cell in cells if cell not in _CODES]
        if match is None:
            reason = "malformed_path"
            detail = f"expected a path like {_EXAMPLE}, found '{stated}'"
        elif canonical_view(side) not in {View.FRONTAL, View.LATERAL}:
            reason = "unknown_view"
            detail = f"expected Frontal or Lateral, found '{side}'"
        elif unknown:
            reason = "unknown_label"
            detail = f"expected 1.0, 0.0, -1.0 or nothing, found '{unknown[0]}'"
        elif match[1] in rows:
            gathering.reject_again(where, image=match[1])
            continue
        else:
            rows[match[1]] = ChexpertRow(
                image_id=match[1],
                patient_id=match[2],
                is_frontal=canonical_view(side) is View.FRONTAL,
                view=_view(side, view),
                codes={
                    label: _CODES[cell]
                    for label, cell in zip(LABELS, cells, strict=True)
                },
            )
            continue
        gathering.reject(where, reason=reason, detail=detail)
    return rows


def divide_train(
    rows: Sequence[ChexpertRow], *, config: ChexpertConfig
) -> dict[Split, list[str]]:
    """Divide the images of train.csv, of all views, into train and validate.

    The published division goes by position: it takes CheXpert-5x200 out and draws 5,000
    places of the rest. Its code then drops from train the rows whose places in the *file*
    are these numbers, so most of the 5,000 stay in train; `mgca-corrected` drops the
    5,000 themselves.

    Args:
        rows: The usable rows of train.csv, in file order.
        config: The split, and the share and seed of the one by patient.

    Raises:
        SourceError: If there are too few rows for the published division.
    """
    if config.split == "patient":
        return divide_by_patient(
            {row.image_id: row.patient_id for row in rows},
            share=config.validate_share,
            seed=config.seed,
        )
    taken_out = places_of_5x200(rows)
    rest = [place for place in range(len(rows)) if place not in taken_out]
    if len(rest) <= _NUM_VALIDATE:
        raise SourceError(
            f"chexpert.split '{config.split}' takes {_NUM_VALIDATE} validation rows: "
            f"expected more rows in train.csv, found {len(rest)}. Use the file as it was "
            "distributed, or the split 'patient'."
        )
    drawn = choose(len(rest), size=_NUM_VALIDATE, seed=0)
    validate = [rest[number] for number in drawn]
    dropped = set(drawn if config.split == "mgca" else validate)
    return {
        "train": [rows[place].image_id for place in rest if place not in dropped],
        "validate": [rows[place].image_id for place in validate],
    }


def places_of_5x200(rows: Sequence[ChexpertRow]) -> set[int]:
    """Return the places in train.csv of CheXpert-5x200, as MGCA draws it.

    For each of the five labels 200 frontal images that have it as their only certain
    finding: the other columns but No Finding are 0 or blank.

    Raises:
        SourceError: If fewer than 200 rows of a label can be drawn.
    """
    places: set[int] = set()
    for label in FIVE:
        candidates = [
            place for place, row in enumerate(rows) if _shows_only(row, label=label)
        ]
        if len(candidates) < _NUM_PER_LABEL:
            raise SourceError(
                f"The MGCA split of CheXpert takes {_NUM_PER_LABEL} rows of train.csv with "
                f"{label} alone, found {len(candidates)}. Use the file as it was "
                "distributed, or the split 'patient'."
            )
        drawn = choose(len(candidates), size=_NUM_PER_LABEL, seed=0)
        places.update(candidates[number] for number in drawn)
    return places


def label_value(code: Code, *, target: str, config: ChexpertConfig) -> float | None:
    """Return what a cell says under the policies: 1, 0, or None for no label."""
    if code in {"present", "absent"}:
        return float(code == "present")
    policy = config.blank if code == "blank" else config.uncertain
    if policy == "ignore":
        return None
    if policy == "mgca":
        return float(target in _MGCA_POSITIVE)
    return float(policy == "positive")


def frontal_only(
    divided: Mapping[Split, Sequence[str]], *, rows: Mapping[str, ChexpertRow]
) -> dict[Split, list[str]]:
    """Return the frontal images of each part, in their order."""
    return {
        part: [image_id for image_id in image_ids if rows[image_id].is_frontal]
        for part, image_ids in divided.items()
    }


def _shows_only(row: ChexpertRow, *, label: str) -> bool:
    """Say whether a row is a candidate of CheXpert-5x200."""
    others = set(LABELS) - {label, NO_FINDING}
    return (
        row.is_frontal
        and row.codes[label] == "present"
        and all(row.codes[other] in {"absent", "blank"} for other in others)
    )


def _view(side: str, view: str) -> View:
    """Return the view; 17 frontal images of the release say LL or RL."""
    if canonical_view(side) is View.LATERAL:
        return View.LATERAL
    named = canonical_view(view)
    return named if named in FRONTAL else View.FRONTAL


def _entry(row: ChexpertRow, *, layout: Layout, config: ChexpertConfig) -> ImageEntry:
    values = {
        target: label_value(row.codes[target], target=target, config=config)
        for target in config.names
    }
    return ImageEntry(
        image_id=row.image_id,
        patient_id=row.patient_id,
        path=_path(row.image_id, layout=layout),
        view=row.view,
        labels={key: value for key, value in values.items() if value is not None},
    )


def _path(image_id: str, *, layout: Layout) -> str:
    """Return the path below the root: the csv's first folder may have another name."""
    return f"{layout.folder}/{image_id}".lstrip("/")


def _recipe(config: ChexpertConfig) -> str:
    views = "frontal" if config.views == "frontal" else "all views"
    if config.split != "patient":
        return f"{config.split} ({views}; test: valid.csv)"
    return f"patient ({views}; {config.draw_from('train.csv')}; test: valid.csv)"


def _edition(root: Path) -> Path:
    """Return the folder with train.csv: the root, or the only such folder in it."""
    if _has_train(root):
        return root
    below = [Path(entry.path) for entry in sorted_entries(root) if entry.is_dir()]
    found = [folder for folder in below if _has_train(folder)]
    if len(found) == 1:
        return found[0]
    names = [folder.name for folder in found] or "none"
    raise SourceError(
        f"{root}: expected train.csv here or in one folder below, such as "
        f"CheXpert-v1.0-small, found it in {names}. Set {_KEY} to the folder of one "
        "edition."
    )


def _has_train(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("train.csv", "train.csv.gz"))
