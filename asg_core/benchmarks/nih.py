"""NIH ChestX-ray14: one csv of labels, lists of images, some boxes."""

from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath

from asg_core.benchmarks.config import NihConfig
from asg_core.benchmarks.form import BenchmarkTables
from asg_core.benchmarks.gather import Entry, Gathering, Size, corners_of
from asg_core.benchmarks.layouts import NIH_BOX_COLUMNS, NIH_COLUMNS
from asg_core.benchmarks.splits import (
    PARTS,
    divide_by_patient,
    parts_of_ids,
)
from asg_core.sources.config import Split
from asg_core.terms.view_spellings import canonical_view

TARGETS = (
    "Atelectasis",
    "Cardiomegaly",
    "Effusion",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pneumonia",
    "Pneumothorax",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Fibrosis",
    "Pleural_Thickening",
    "Hernia",
)
"""The 14 classes in the order of the paper of the dataset."""

NO_FINDING = "No Finding"
_BOX_LABELS = {**{target: target for target in TARGETS}, "Infiltrate": "Infiltration"}


def read_nih(gathering: Gathering, *, config: NihConfig) -> BenchmarkTables:
    """Read ChestX-ray14.

    Every image has all 14 labels: what its row does not name is not there. Boxes are of
    test images, in the official split.

    Rejects: `malformed_row`, `duplicate_row`, `unknown_label`, `unlisted_image`,
    `listed_twice`, `unknown_image`, `patient_in_two_parts`, `missing_image`,
    `unreadable_image`; of boxes also `malformed_box`, `box_outside_image`.

    Args:
        gathering: The empty gathering of this benchmark.
        config: The split.

    Raises:
        SourceError: If a part has no image.
    """
    files = gathering.files()
    entries, named = _entries(gathering, files=files)
    divided = _divide(gathering, config=config, entries=entries, named=named)
    places = parts_of_ids(divided)
    kept = [entry for name, entry in entries.items() if name in places]
    sizes = gathering.sizes(
        kept,
        paths=files.values(),
        named=[files[stem] for name in named if (stem := _stem(name)) in files],
    )
    for entry in kept:
        if entry.image_id in sizes:
            gathering.add_image(
                entry,
                places=places[entry.image_id],
                size=sizes[entry.image_id],
            )
    _read_boxes(gathering, sizes=sizes, named=named)
    return gathering.finish(
        split=config.split,
        recipe=_recipe(config),
        divided=divided,
        targets=TARGETS,
    )


def _recipe(config: NihConfig) -> str:
    if config.split == "lists":
        lists = (config.train_list, config.validate_list, config.test_list)
        names = ", ".join(path.name for path in lists if path is not None)
        return f"lists ({names})"
    return (
        f"official (validate: {config.validate_share:g} of the patients of "
        f"train_val_list.txt, seed {config.seed})"
    )


def _entries(
    gathering: Gathering, *, files: Mapping[str, str]
) -> tuple[dict[str, Entry], set[str]]:
    """Return the images of usable rows by name, and the names of all rows."""
    entries: dict[str, Entry] = {}
    named: set[str] = set()
    path = gathering.layout.files["entries"]
    for where, cells in gathering.rows(path, columns=NIH_COLUMNS):
        name, findings, patient_id, view = cells
        labels = findings.split("|")
        if name in named:
            gathering.reject(
                where,
                reason="duplicate_row",
                detail=f"expected one row of {name}, found another; the first is kept",
            )
        elif not name or not patient_id:
            gathering.reject(
                where,
                reason="malformed_row",
                detail=f"expected an image and a patient, found '{name}', '{patient_id}'",
            )
        elif labels != [NO_FINDING] and not set(labels) <= set(TARGETS):
            gathering.reject(
                where,
                reason="unknown_label",
                detail=f"expected '{NO_FINDING}' or some of the 14 classes with | between "
                f"them, found '{findings}'",
            )
        else:
            entries[name] = Entry(
                image_id=name,
                patient_id=patient_id,
                path=files.get(_stem(name), f"images/{name}"),
                view=canonical_view(view),
                labels={target: float(target in labels) for target in TARGETS},
            )
        named.add(name)
    return entries, named


def _divide(
    gathering: Gathering,
    *,
    config: NihConfig,
    entries: Mapping[str, Entry],
    named: set[str],
) -> dict[Split, list[str]]:
    """Return the images of each part, of those that the lists name once."""
    divided = _listed(gathering, entries=entries, named=named)
    if config.split == "official":
        train = gathering.without_tested(
            {name: entries[name].patient_id for name in divided["train"]},
            tested=[entries[name].patient_id for name in divided["test"]],
        )
        divided |= divide_by_patient(
            train, share=config.validate_share, seed=config.seed
        )
    return divided


def _listed(
    gathering: Gathering, *, entries: Mapping[str, Entry], named: set[str]
) -> dict[Split, list[str]]:
    """Return the images of each list, and reject names that do not fit."""
    lines = [
        (part, where, _listed_name(line))
        for part in PARTS
        if part in gathering.layout.files
        for where, line in gathering.lines(gathering.layout.files[part])
    ]
    times = Counter(name for _, _, name in lines)
    listed: dict[Split, list[str]] = {part: [] for part in PARTS}
    for part, where, name in lines:
        if times[name] > 1:
            detail = (
                f"expected {name} in one line of one list, found it in {times[name]}"
            )
            gathering.reject(where, reason="listed_twice", detail=detail)
        elif name in entries:
            listed[part].append(name)
        elif name not in named:
            detail = f"expected an image of the label file, found '{name}'"
            gathering.reject(where, reason="unknown_image", detail=detail)
    for name in entries:
        if name not in times:
            detail = "expected it in one of the lists, found it in none"
            gathering.reject(name, reason="unlisted_image", detail=detail)
    return listed


def _read_boxes(
    gathering: Gathering, *, sizes: Mapping[str, Size | None], named: set[str]
) -> None:
    path = gathering.layout.files["boxes"]
    for where, (name, label, *cells) in gathering.rows(path, columns=NIH_BOX_COLUMNS):
        target, box = _BOX_LABELS.get(label), corners_of(cells)
        if target is None:
            detail = f"expected one of the 14 classes, found '{label}'"
            gathering.reject(where, reason="unknown_label", detail=detail)
        elif box is None:
            detail = f"expected x, y, width and height of a box, found {cells}"
            gathering.reject(where, reason="malformed_box", detail=detail)
        elif name not in named:
            detail = f"expected an image of the label file, found '{name}'"
            gathering.reject(where, reason="unknown_image", detail=detail)
        elif name not in sizes:
            gathering.counts["boxes_of_rejected_images"] += 1
        else:
            gathering.add_box(
                name, target=target, box=box, size=sizes[name], where=where
            )


def _listed_name(line: str) -> str:
    """Return the name of the image that a line of a list is about.

    The official lists hold names alone; others, such as those of ECAMP, put the folder in
    front ("images_002/x.png") and labels behind. Names of this data set have no blanks.
    """
    return PurePosixPath(line.split(maxsplit=1)[0].replace("\\", "/")).name


def _stem(name: str) -> str:
    return PurePosixPath(name).stem
