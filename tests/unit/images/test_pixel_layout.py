from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from asg_core.images import pixel_layout
from asg_core.images.geometry import Frame
from asg_core.images.pixel_layout import PixelRow, read_index, write_pixels
from asg_core.tables.catalog import STUDIES
from asg_core.tables.schema import TableError, write_table
from support.damage import damaged_copies, end_of_pages

SIZE = 8


def make_rows(num_rows: int) -> list[PixelRow]:
    noise = np.random.default_rng(0).integers(0, 256, (num_rows, SIZE, SIZE))
    return [
        PixelRow(
            image_id=f"{index:04d}",
            original=Frame(width=10 + index, height=20),
            pixels_SS=pixels.astype(np.uint8),
        )
        for index, pixels in enumerate(noise)
    ]


def bytes_at(path: Path, offset: int) -> bytes:
    return path.read_bytes()[offset : offset + SIZE * SIZE]


def rewrite(path: Path, **options: object) -> None:
    """Write the same table with other options of the Parquet writer."""
    table = pq.read_table(path)
    plain: dict[str, object] = {
        "compression": "none",
        "use_dictionary": False,
        "write_statistics": False,
    }
    pq.write_table(table, path, **(plain | options))


@pytest.mark.parametrize("num_rows", [1, 511, 512, 513, 1100])
def test_every_image_is_at_its_offset(tmp_path: Path, num_rows: int) -> None:
    path, rows = tmp_path / "p.parquet", make_rows(num_rows)

    assert write_pixels(iter(rows), path=path, size=SIZE) == num_rows
    index = read_index(path)

    assert index.size == SIZE
    assert index.image_ids == [row.image_id for row in rows]
    assert index.widths_N.tolist() == [row.original.width for row in rows]
    assert index.heights_N.tolist() == [20] * num_rows
    for row, offset in zip(rows, index.offsets_N.tolist(), strict=True):
        assert bytes_at(path, offset) == row.pixels_SS.tobytes()
    assert pq.read_metadata(path).num_row_groups == -(-num_rows // 512)


def test_large_images_come_in_smaller_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "p.parquet"
    monkeypatch.setattr(pixel_layout, "_MAX_GROUP_BYTES", 3 * SIZE * SIZE)

    write_pixels(make_rows(7), path=path, size=SIZE)

    metadata = pq.read_metadata(path)
    groups = [metadata.row_group(g).num_rows for g in range(metadata.num_row_groups)]
    assert groups == [3, 3, 1]
    assert read_index(path).offsets_N.shape == (7,)


def test_rows_out_of_order_are_refused(tmp_path: Path) -> None:
    first, second = make_rows(2)

    with pytest.raises(TableError, match="found '0000' after '0001'"):
        write_pixels([second, first], path=tmp_path / "p.parquet", size=SIZE)
    with pytest.raises(TableError, match="found '0000' after '0000'"):
        write_pixels([first, first], path=tmp_path / "p.parquet", size=SIZE)


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    write_pixels(make_rows(3), path=path, size=SIZE)
    before = path.read_bytes()

    def failing() -> Iterator[PixelRow]:
        yield from make_rows(600)
        raise RuntimeError("the disk of the data set went away")

    with pytest.raises(RuntimeError, match="went away"):
        write_pixels(failing(), path=path, size=SIZE)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_layout_that_offsets_miss_is_found_before_the_file_has_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "p.parquet"
    offsets = pixel_layout._offsets
    monkeypatch.setattr(
        pixel_layout, "_offsets", lambda *args, **named: offsets(*args, **named) + 1
    )

    with pytest.raises(TableError, match="image 0 is not where its offset says"):
        write_pixels(make_rows(3), path=path, size=SIZE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "snappy"},
        {"compression": "zstd"},
        {"use_dictionary": True},
        {"write_statistics": True},
        {"write_statistics": False, "data_page_size": 64, "write_batch_size": 20},
    ],
)
def test_another_layout_of_the_same_table_is_refused(
    tmp_path: Path, options: dict[str, object]
) -> None:
    path = tmp_path / "p.parquet"
    write_pixels(make_rows(40), path=path, size=SIZE)
    rewrite(path, **options)

    with pytest.raises(TableError, match=r"one uncompressed page of images of 64 byt"):
        read_index(path)


def test_the_options_that_matter_are_those_that_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    write_pixels(make_rows(40), path=path, size=SIZE)
    rewrite(path, write_page_index=True)

    assert bytes_at(path, int(read_index(path).offsets_N[39])) == (
        make_rows(40)[39].pixels_SS.tobytes()
    )


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    with pytest.raises(FileNotFoundError, match="expected the table 'pixels'"):
        read_index(path)

    path.write_bytes(b"PAR1 but not really")
    with pytest.raises(TableError, match="cannot be read as Parquet"):
        read_index(path)

    write_table(STUDIES.empty(), path, schema=STUDIES)
    with pytest.raises(TableError, match="expected 'pixels' v1, found 'studies' v1"):
        read_index(path)


def stamped(path: Path, **changes: str) -> None:
    """Write the same table with other metadata; an empty string removes a key."""
    table = pq.read_table(path)
    metadata = {"asg.table": "pixels", "asg.version": "1", "asg.size": "8"} | {
        key.replace("_", "."): value for key, value in changes.items()
    }
    kept = {key: value for key, value in metadata.items() if value}
    pq.write_table(table.replace_schema_metadata(kept), path, compression="none")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"asg_version": "9"}, "found 'pixels' v9. It was written by a newer release"),
        ({"asg_size": ""}, "expected 'asg.size' in the metadata"),
        ({"asg_size": "9"}, "expected 81 bytes per image, as its metadata says"),
    ],
)
def test_a_file_that_says_something_else_is_refused(
    tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    path = tmp_path / "p.parquet"
    write_pixels(make_rows(2), path=path, size=SIZE)
    stamped(path, **changes)

    with pytest.raises(TableError, match=message):
        read_index(path)


def test_missing_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    table = pa.table({"image_id": ["a"]})
    stamps = {"asg.table": "pixels", "asg.version": "1", "asg.size": "8"}
    pq.write_table(table.replace_schema_metadata(stamps), path)

    with pytest.raises(TableError, match=r"found '8' and \['image_id'\]"):
        read_index(path)


def test_a_damaged_file_is_a_sentence_wherever_the_damage_is(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    write_pixels(make_rows(2), path=path, size=SIZE)
    refused: dict[int, str] = {}

    for place in damaged_copies(path):
        try:
            read_index(path)
        except TableError as error:
            refused[place] = str(error)

    in_pages = [said for at, said in refused.items() if at < end_of_pages(path)]
    unreadable = (
        f"{path}: expected the Parquet table 'pixels', found a file that cannot"
    )
    assert [said for said in in_pages if said.startswith(unreadable)]
    assert len(refused) > len(in_pages)
