"""The file behind the table `pixels`: Parquet whose images can be read by their offset.

Any Parquet reader opens it. In addition the pixels of a row group are one uncompressed
page of equally long values without level bytes, so image i of a group begins at a known
byte, and one `pread` fetches it. Reading one row of common Parquet costs its whole group.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from asg_core.files import replacing
from asg_core.images.geometry import Frame, Pixels
from asg_core.tables.arrow import open_parquet
from asg_core.tables.catalog import PIXELS
from asg_core.tables.schema import (
    METADATA_TABLE,
    METADATA_VERSION,
    TableError,
    check_stamp,
    damaged_table,
)

# Shape suffixes: N = images, S = rows, and columns, of the square model frame

METADATA_SIZE = "asg.size"

_MAX_GROUP_ROWS = 512
_MAX_GROUP_BYTES = 1 << 27  # what a writer holds in memory: 512 images of 512 x 512
# With these options a page header has 19 to 28 bytes, by the size of the numbers in it,
# so this also tells one page from two.
_MAX_PAGE_HEADER = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelRow:
    """One row of the table: an image in its square."""

    image_id: str
    original: Frame
    pixels_SS: Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelIndex:
    """What is where in one file."""

    size: int  # side of the model frame, pixels
    image_ids: list[str]
    widths_N: npt.NDArray[np.int32]  # of the original frames, pixels
    heights_N: npt.NDArray[np.int32]
    offsets_N: npt.NDArray[np.int64]  # bytes from the start of the file


def write_pixels(rows: Iterable[PixelRow], *, path: Path, size: int) -> int:
    """Write `rows` to `path` in one step, and return how many there were.

    The rows come with ascending image ids and are taken one group at a time, so memory
    does not grow with their number. The file is read back before it gets its name.

    Raises:
        TableError: If the ids do not ascend, or the file that was written cannot be read
            by offset.
    """
    with replacing(path) as temporary:
        num_rows = _write(rows, path=temporary, size=size)
        _verify(temporary)
    return num_rows


def read_index(path: Path) -> PixelIndex:
    """Read the keys and the offsets of a file written by `write_pixels`.

    Raises:
        TableError: If the file is another table or version, not in this layout, or
            damaged.
        FileNotFoundError: If there is no such file.
    """
    check_stamp(path, schema=PIXELS)
    with open_parquet(
        path, damaged=lambda _: damaged_table(path, schema=PIXELS)
    ) as file:
        size = _size(file, path=path)
        offsets_N = _offsets(file.metadata, width=size * size, path=path)
        keys = file.read(columns=["image_id", "width", "height"], use_threads=False)
        return PixelIndex(
            size=size,
            image_ids=keys["image_id"].to_pylist(),
            widths_N=keys["width"].to_numpy(),
            heights_N=keys["height"].to_numpy(),
            offsets_N=offsets_N,
        )


def _write(rows: Iterable[PixelRow], *, path: Path, size: int) -> int:
    schema = _arrow_schema(size)
    group_rows = max(1, min(_MAX_GROUP_ROWS, _MAX_GROUP_BYTES // (size * size)))
    num_rows = 0
    with pq.ParquetWriter(
        path,
        schema,
        compression="none",
        use_dictionary=False,
        column_encoding={"pixels": "PLAIN", "image_id": "PLAIN"},
        # Statistics of the pixels would put two images into each page header.
        write_statistics=["image_id"],
        data_page_size=1 << 30,
        write_batch_size=_MAX_GROUP_ROWS,
    ) as writer:
        for group in _groups(_ascending(rows), group_rows):
            writer.write_table(_to_arrow(group, schema), row_group_size=group_rows)
            num_rows += len(group)
    return num_rows


def _groups(rows: Iterator[PixelRow], group_rows: int) -> Iterator[list[PixelRow]]:
    while group := list(islice(rows, group_rows)):
        yield group


def _ascending(rows: Iterable[PixelRow]) -> Iterator[PixelRow]:
    previous = None
    for row in rows:
        if previous is not None and row.image_id <= previous:
            raise TableError(
                f"write_pixels: expected ascending image ids, found '{row.image_id}' "
                f"after '{previous}'; sort the rows, one per image"
            )
        previous = row.image_id
        yield row


def _arrow_schema(size: int) -> pa.Schema:
    return pa.schema(
        [
            pa.field("image_id", pa.string(), nullable=False),
            pa.field("width", pa.int32(), nullable=False),
            pa.field("height", pa.int32(), nullable=False),
            pa.field("pixels", pa.binary(size * size), nullable=False),
        ],
        metadata={
            METADATA_TABLE: PIXELS.name,
            METADATA_VERSION: str(PIXELS.version),
            METADATA_SIZE: str(size),
        },
    )


def _to_arrow(group: list[PixelRow], schema: pa.Schema) -> pa.Table:
    pixels_NSS = np.stack([row.pixels_SS for row in group])
    pixels = pa.FixedSizeBinaryArray.from_buffers(
        schema.field("pixels").type, len(group), [None, pa.py_buffer(pixels_NSS)]
    )
    return pa.Table.from_arrays(
        [
            pa.array([row.image_id for row in group], pa.string()),
            pa.array([row.original.width for row in group], pa.int32()),
            pa.array([row.original.height for row in group], pa.int32()),
            pixels,
        ],
        schema=schema,
    )


def _verify(path: Path) -> None:
    """Compare what the offsets lead to with what a Parquet reader finds.

    The first and the last image of each group: one wrong offset moves all of a group.
    """
    with pq.ParquetFile(path) as file, path.open("rb") as raw:
        width = _size(file, path=path) ** 2
        offsets_N = _offsets(file.metadata, width=width, path=path)
        start = 0
        for group in range(file.metadata.num_row_groups):
            values = file.read_row_group(group, columns=["pixels"])["pixels"]
            for row in (0, len(values) - 1):
                raw.seek(int(offsets_N[start + row]))
                if raw.read(width) != values[row].as_py():
                    raise TableError(
                        f"{path.name}: image {start + row} is not where its offset "
                        "says; the installed pyarrow writes another page layout than "
                        "this project relies on: install the version of the lock file"
                    )
            start += len(values)


def _size(file: pq.ParquetFile, *, path: Path) -> int:
    """Return the side of the model frame, and check it against the column."""
    text = (file.metadata.metadata or {}).get(METADATA_SIZE.encode(), b"").decode()
    columns = file.schema_arrow
    expected = PIXELS.columns.keys()
    if not text.isdigit() or set(columns.names) != set(expected):
        raise TableError(
            f"{path}: expected '{METADATA_SIZE}' in the metadata and the columns "
            f"{list(expected)}, found '{text}' and {columns.names}. Delete the file and "
            "run the workflow again."
        )
    size = int(text)
    if columns.field("pixels").type != pa.binary(size * size):
        raise TableError(
            f"{path}: expected {size * size} bytes per image, as its metadata says, "
            f"found the type {columns.field('pixels').type}. Delete the file and run "
            "the workflow again."
        )
    return size


def _offsets(
    metadata: pq.FileMetaData, *, width: int, path: Path
) -> npt.NDArray[np.int64]:
    """Return the first byte of each image of `width` bytes."""
    parts = [np.zeros(0, dtype=np.int64)]
    position = list(PIXELS.columns).index("pixels")
    for group in range(metadata.num_row_groups):
        chunk = metadata.row_group(group).column(position)
        num_rows = metadata.row_group(group).num_rows
        header = chunk.total_compressed_size - num_rows * width
        is_plain = chunk.compression == "UNCOMPRESSED" and not chunk.has_dictionary_page
        has_one_width = chunk.physical_type == "FIXED_LEN_BYTE_ARRAY"
        if not (is_plain and has_one_width and 0 < header < _MAX_PAGE_HEADER):
            raise TableError(
                f"{path}: expected row group {group} to hold one uncompressed page of "
                f"images of {width} bytes, found {chunk.physical_type} "
                f"{chunk.compression} with {header} bytes of header; the file was "
                "written by another program. Delete it and run the workflow again."
            )
        first = chunk.data_page_offset + header
        parts.append(first + np.arange(num_rows, dtype=np.int64) * width)
    return np.concatenate(parts)
