"""NIH ChestX-ray14: one csv of labels, lists of images, some boxes."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from asg_core.benchmarks.gather import (
    BenchmarkReading,
    Gathering,
    ImageEntry,
    Size,
    corners_of,
)
from asg_core.benchmarks.layout import Layout, label_file, with_folders_like
from asg_core.benchmarks.nih.spec import NihConfig
from asg_core.benchmarks.splits import PARTS, divide_by_patient, parts_of_ids
from asg_core.sources.config import Split
from asg_core.sources.reading.files import require_file
from asg_core.terms.view_spellings import canonical_view

COLUMNS = ("Image Index", "Finding Labels", "Patient ID", "View Position")
BOX_COLUMNS = ("Image Index", "Finding Label", "Bbox [x", "y", "w", "h]")
"""The brackets of the header hold commas, so a csv reader sees four columns of a box."""

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

_NO_FINDING = "No Finding"
_BOX_LABELS = {**{target: target for target in TARGETS}, "Infiltrate": "Infiltration"}
_OFFICIAL = {"train": Path("train_val_list.txt"), "test": Path("test_list.txt")}
_KEY = "nih.root"


def find_nih(config: NihConfig, root: Path) -> Layout:
    """Return the files of ChestX-ray14.

    Raises:
        SourceError: If a file or a column is missing.
    """
    files = {
        name: label_file(root, pattern, holds=f"the {holds}", columns=columns, key=_KEY)
        for name, pattern, holds, columns in (
            ("entries", "Data_Entry_2017*.csv", "labels", COLUMNS),
            ("boxes", "BBox_List_2017.csv", "boxes", BOX_COLUMNS),
        )
    }
    for part, path in (config.lists or _OFFICIAL).items():
        key = f"nih.{part}_list" if config.lists else _KEY
        files[part] = require_file(root / path, holds="names of images", key=key)
    missing = ("images_001", "images_002", "...")
    return with_folders_like(root, files=files, starts=("images",), missing=missing)


def read_nih(gathering: Gathering, config: NihConfig) -> BenchmarkReading:
    """Read ChestX-ray14.

    Every image has all 14 labels: what its row does not name is not there. The boxes are
    of test images, in the official split.

    The reasons of its rejects are `malformed_row`, `duplicate_row`, `unknown_label`,
    `unlisted_image`, `listed_twice`, `unknown_image`, `patient_in_two_parts`,
    `missing_image`, `unreadable_image`; boxes have `malformed_box` and
    `box_outside_image` too.
    """
    files = gathering.files()
    entries, named = _entries(gathering, files=files)
    divided = _divide(gathering, config=config, entries=entries, named=named)
    places = parts_of_ids(divided)
    sizes = gathering.add_images(
        [entry for name, entry in entries.items() if name in places],
        places=places,
        paths=files.values(),
        named=[files[stem] for name in named if (stem := _stem(name)) in files],
    )
    _read_boxes(gathering, sizes=sizes, named=named)
    recipe = f"lists ({', '.join(path.name for path in config.lists.values())})"
    if config.split == "official":
        recipe = f"official ({config.draw_from('train_val_list.txt')})"
    return BenchmarkReading(
        split=config.split, recipe=recipe, divided=divided, targets=TARGETS
    )


def _entries(
    gathering: Gathering, *, files: Mapping[str, str]
) -> tuple[dict[str, ImageEntry], set[str]]:
    """Return the images of usable rows by name, and the names of all rows."""
    entries: dict[str, ImageEntry] = {}
    named: set[str] = set()
    path = gathering.layout.files["entries"]
    for where, cells in gathering.rows(path, columns=COLUMNS):
        name, findings, patient_id, view = cells
        labels = findings.split("|")
        if name in named:
            gathering.reject_again(where, image=name)
        elif not name or not patient_id:
            detail = f"expected an image and a patient, found '{name}', '{patient_id}'"
            gathering.reject(where, reason="malformed_row", detail=detail)
        elif labels != [_NO_FINDING] and not set(labels) <= set(TARGETS):
            detail = (
                f"expected '{_NO_FINDING}' or some of the 14 classes with | between "
                f"them, found '{findings}'"
            )
            gathering.reject(where, reason="unknown_label", detail=detail)
        else:
            entries[name] = ImageEntry(
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
    entries: Mapping[str, ImageEntry],
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
    gathering: Gathering, *, entries: Mapping[str, ImageEntry], named: set[str]
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
    """Add the boxes of the list to the images that are kept."""
    path = gathering.layout.files["boxes"]
    for where, (name, label, *cells) in gathering.rows(path, columns=BOX_COLUMNS):
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
