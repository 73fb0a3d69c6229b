"""The rows of a table source, and which image, study and patient each is about.

The reader and the inventory have to agree on the patient of a row, so both ask here.
"""

import os.path
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from asg_core.sources.reading.files import table_rows
from asg_core.sources.reading.item_files import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One row of a table source; empty strings stand for what it does not say."""

    where: str
    """The file and the 1-based number of the row below the header."""

    image_id: str
    study_id: str
    patient_id: str
    path: str
    """The image file, relative to the root; empty where there is none or a `problem`."""

    text: str
    view: str
    split: str
    problem: Problem | None
    """Why nothing of the row can be used."""


def read_table_rows(
    file: Path, *, columns: Mapping[str, str], root: Path
) -> Iterator[TableRow]:
    """Yield every row of a table source, in file order.

    Args:
        file: The table.
        columns: The names of the columns that there are, by their key under
            `corpus.table.columns`.
        root: The folder that the paths of images are relative to.

    Raises:
        SourceError: If the table or one of its columns is missing or unreadable.
    """
    cells = table_rows(file, columns=list(columns.values()))
    for number, row in enumerate(cells, start=1):
        where = f"{file.name}:{number}"
        if row is None:
            yield _malformed(where)
        else:
            values = dict(zip(columns, row, strict=True))
            yield _read_row(values, where=where, root=root)


def path_inside(path: str, *, root: Path) -> str | None:
    """Return `path` relative to `root` with forward slashes; None if it leads out.

    Links are not followed: a folder of links to other disks is the user's own doing, a
    path with ".." is the data's.
    """
    base = os.path.abspath(root)  # noqa: PTH100 - Path.resolve would follow links
    normal = os.path.normpath(os.path.join(base, path))  # noqa: PTH118 - as above
    relative = os.path.relpath(normal, base)
    is_outside = relative == ".." or relative.startswith(".." + os.sep)
    return None if is_outside else PurePosixPath(Path(relative)).as_posix()


def _read_row(values: dict[str, str], *, where: str, root: Path) -> TableRow:
    stated = values.get("image_path", "").strip()
    text = values.get("text", "")
    path = path_inside(stated, root=root) if stated else ""
    image_id = values.get("image_id", "").strip() or (path or stated)
    study_id = values.get("study_id", "").strip() or image_id or where
    patient_id = values.get("patient_id", "").strip() or study_id
    problem = None
    if path is None:
        detail = f"expected an image below the root, found '{stated}'"
        problem = ("path_outside_root", detail)
    elif not (stated or text.strip()):
        problem = ("empty_row", "expected an image or a text, found neither")
    return TableRow(
        where=where,
        image_id=image_id,
        study_id=study_id,
        patient_id=patient_id,
        path=path or "",
        text=text,
        view=values.get("view", ""),
        split=values.get("split", ""),
        problem=problem,
    )


def _malformed(where: str) -> TableRow:
    return TableRow(
        where=where,
        image_id="",
        study_id=where,
        patient_id=where,
        path="",
        text="",
        view="",
        split="",
        problem=("malformed_row", "expected as many cells as the header has"),
    )
