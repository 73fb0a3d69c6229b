"""CheXpert: train.csv and valid.csv, whose cells are 1, 0, -1 or blank."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from asg_core.benchmarks.config import ChexpertConfig
from asg_core.benchmarks.form import BenchmarkTables
from asg_core.benchmarks.gather import Entry, Gathering
from asg_core.benchmarks.layouts import CHEXPERT_COLUMNS, CHEXPERT_LABELS
from asg_core.benchmarks.splits import (
    choose,
    divide_by_patient,
    parts_of_ids,
)
from asg_core.sources.config import Split
from asg_core.sources.reading.files import SourceError
from asg_core.terms.view_spellings import canonical_view
from asg_core.terms.views import FRONTAL, View

FIVE = (
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Pleural Effusion",
)
"""The labels of the challenge."""

Code = Literal["present", "absent", "uncertain", "blank"]
"""What a cell says."""

_CODES: Mapping[str, Code] = {
    **dict.fromkeys(("1.0", "1"), "present"),
    **dict.fromkeys(("0.0", "0"), "absent"),
    **dict.fromkeys(("-1.0", "-1"), "uncertain"),
    "": "blank",
}
_MGCA_POSITIVE = frozenset({"Atelectasis", "Edema", "Pleural Effusion"})
_PATH = re.compile(r"[^/]+/((?:train|valid)/(patient\d+)/study\d+/[^/]+\.jpg)")

# The columns that are 0 (or blank) in CheXpert-5x200, beside four of the five.
_ZERO_IN_5X200 = tuple(
    label for label in CHEXPERT_LABELS if label not in {"No Finding", *FIVE}
)
_NUM_PER_LABEL = 200
_NUM_VALIDATE = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class ChexpertRow:
    """One usable row."""

    image_id: str
    """The path below the dataset's folder, the same in both sizes of the dataset."""

    patient_id: str
    is_frontal: bool
    view: View
    codes: Mapping[str, Code]


def read_chexpert(gathering: Gathering, *, config: ChexpertConfig) -> BenchmarkTables:
    """Read CheXpert; the test part is valid.csv.

    Rejects: `malformed_row`, `malformed_path`, `duplicate_row`, `unknown_view`,
    `unknown_label`, `patient_in_two_parts`, `missing_image`, `unreadable_image`.

    Args:
        gathering: The empty gathering of this benchmark.
        config: The split and the policies.

    Raises:
        SourceError: If a part has no image, or if train.csv is not the one that a
            published division is of.
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
    kept = [
        _entry(rows[image_id], gathering=gathering, config=config)
        for image_id in places
    ]
    sizes = gathering.sizes(
        kept,
        paths=gathering.paths(),
        named=[_path(image_id, gathering=gathering) for image_id in rows],
    )
    for entry in kept:
        if entry.image_id in sizes:
            gathering.add_image(
                entry, places=places[entry.image_id], size=sizes[entry.image_id]
            )
    return gathering.finish(
        split=config.split_name,
        recipe=_recipe(config),
        divided=divided,
        targets=_targets(config),
        notes={"uncertain": config.uncertain, "blank": config.blank},
    )


def read_rows(
    gathering: Gathering, part: Literal["train", "valid"]
) -> dict[str, ChexpertRow]:
    """Return the usable rows of train.csv or valid.csv by image, in file order."""
    rows: dict[str, ChexpertRow] = {}
    path = gathering.layout.files[part]
    for where, (stated, side, view, *cells) in gathering.rows(
        path, columns=CHEXPERT_COLUMNS
    ):
        match = _PATH.fullmatch(stated)
        unknown = [cell for cell in cells if cell not in _CODES]
        if match is None:
            reason, detail = (
                "malformed_path",
                "expected a path like CheXpert-v1.0-small/train/patient00001/study1/"
                f"view1_frontal.jpg, found '{stated}'",
            )
        elif canonical_view(side) not in {View.FRONTAL, View.LATERAL}:
            reason, detail = (
                "unknown_view",
                f"expected Frontal or Lateral, found '{side}'",
            )
        elif unknown:
            reason, detail = (
                "unknown_label",
                f"expected 1.0, 0.0, -1.0 or nothing, found '{unknown[0]}'",
            )
        elif match[1] in rows:
            reason, detail = (
                "duplicate_row",
                f"expected one row of {match[1]}, found another; the first is kept",
            )
        else:
            rows[match[1]] = ChexpertRow(
                image_id=match[1],
                patient_id=match[2],
                is_frontal=canonical_view(side) is View.FRONTAL,
                view=_view(side, view),
                codes={
                    label: _CODES[cell]
                    for label, cell in zip(CHEXPERT_LABELS, cells, strict=True)
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
        rows: Of train.csv, in file order.
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
    others = (*(other for other in FIVE if other != label), *_ZERO_IN_5X200)
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


def _entry(row: ChexpertRow, *, gathering: Gathering, config: ChexpertConfig) -> Entry:
    values = {
        target: label_value(row.codes[target], target=target, config=config)
        for target in _targets(config)
    }
    return Entry(
        image_id=row.image_id,
        patient_id=row.patient_id,
        path=_path(row.image_id, gathering=gathering),
        view=row.view,
        labels={key: value for key, value in values.items() if value is not None},
    )


def _path(image_id: str, *, gathering: Gathering) -> str:
    """Return the path below the root: the csv's first folder may have another name."""
    return f"{gathering.layout.folder}/{image_id}".lstrip("/")


def _targets(config: ChexpertConfig) -> tuple[str, ...]:
    return FIVE if config.targets == "five" else CHEXPERT_LABELS


def _recipe(config: ChexpertConfig) -> str:
    views = "frontal" if config.views == "frontal" else "all views"
    if config.split != "patient":
        return f"{config.split} ({views}; test: valid.csv)"
    return (
        f"patient ({views}; validate: {config.validate_share:g} of the patients of "
        f"train.csv, seed {config.seed}; test: valid.csv)"
    )
