"""Opening the files of a dataset, and what is said when they are not there."""

import zipfile
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from asg_core.sources.reading.files import (
    SourceError,
    is_safe_id,
    listing,
    open_zip,
    require_file,
    require_folder,
    require_header,
    sorted_entries,
    table_columns,
    table_rows,
    without_system_files,
)
from support.damage import damaged_copies, end_of_pages


def test_what_should_be_a_folder_or_a_file_and_is_not(tmp_path: Path) -> None:
    file = tmp_path / "file.csv"
    file.touch()

    assert require_folder(tmp_path, holds="x", key="k") == tmp_path
    assert require_file(file, holds="x", key="k") == file
    for require, path, said in (
        (
            require_folder,
            file,
            "a folder with PNG files, found a file. Set corpus.root",
        ),
        (
            require_folder,
            tmp_path / "no",
            "found nothing of that name. Set corpus.root",
        ),
        (
            require_file,
            tmp_path,
            "a file with PNG files, found a folder. Set corpus.root",
        ),
        (require_file, tmp_path / "no", "found nothing of that name. Set corpus.root"),
    ):
        with pytest.raises(SourceError) as caught:
            require(path, holds="PNG files", key="corpus.root")
        assert str(caught.value).startswith(f"{path}: expected a f")
        assert said in str(caught.value)


def test_a_header_has_every_column_that_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b,c\n")
    require_header(path, expected=["c", "a"], key="corpus.root")

    with pytest.raises(
        SourceError, match=r"the columns \['d'\], found \['a', 'b', 'c'\]"
    ):
        require_header(path, expected=["a", "d"], key="corpus.root")
    path.write_text("a,b,a\n")
    require_header(path, expected=["b"], key="corpus.root")
    with pytest.raises(SourceError, match="'a'"):
        require_header(path, expected=["a"], key="corpus.root")


@pytest.mark.parametrize(
    ("value", "is_safe"),
    [
        ("1.2.840", True),
        ("a-b_c", True),
        ("", False),
        (".hidden", False),
        ("..", False),
        ("a/b", False),
        ("-x", False),
        ("a\n", False),
    ],
)
def test_an_id_that_is_part_of_a_path_is_a_plain_name(
    value: str,
    is_safe: bool,  # noqa: FBT001
) -> None:
    assert is_safe_id(value) == is_safe


def test_the_first_names_of_a_folder_are_listed(tmp_path: Path) -> None:
    assert listing(tmp_path / "none") == "no such folder"
    assert listing(tmp_path) == "an empty folder"
    for name in "fedcba":
        (tmp_path / name).touch()
    assert listing(tmp_path) == "a, b, c, d, e, f"
    (tmp_path / "g").touch()
    assert listing(tmp_path) == "a, b, c, d, e, f and 1 more"


def test_parquet_and_csv_give_the_same_cells(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [1, None], "b": ["x", ""], "c": [2.5, 3.0]})
    frame.write_parquet(tmp_path / "rows.parquet")
    (tmp_path / "rows.csv").write_text("a,b,c\n1,x,2.5\n\n,,3.0\n1,x\n1,x,2,3\n")

    from_parquet = list(table_rows(tmp_path / "rows.parquet", columns=["c", "a"]))
    from_csv = list(table_rows(tmp_path / "rows.csv", columns=["c", "a"]))

    assert from_parquet == [["2.5", "1"], ["3.0", ""]]
    assert from_csv == [*from_parquet, None, None]  # too few cells, too many
    assert table_columns(tmp_path / "rows.parquet") == ["a", "b", "c"]


def test_a_damaged_parquet_is_a_sentence_wherever_the_damage_is(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}).write_parquet(path)
    refused: dict[int, str] = {}

    for place in damaged_copies(path):
        try:
            if "a" in table_columns(path):
                list(table_rows(path, columns=["a"]))
        except SourceError as error:
            refused[place] = str(error)

    unreadable = f"{path}: expected a Parquet file, found one that cannot be read as "
    assert min(refused) < end_of_pages(path) < max(refused)
    assert {said.startswith(unreadable) for said in refused.values()} == {True}


def test_a_zip_is_opened_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "x")

    with open_zip(path, holds="reports") as archive:
        assert archive.namelist() == ["a.txt"]
    path.write_bytes(b"no zip")
    with pytest.raises(SourceError, match=r"a zip of reports, found .* Download it ag"):
        open_zip(path, holds="reports")


def test_what_macos_left_is_neither_entry_nor_member(tmp_path: Path) -> None:
    names = ["b", "__MACOSX", "._b", "a"]
    for name in names:
        (tmp_path / name).mkdir()
    skipped: Counter[str] = Counter()

    entries = sorted_entries(tmp_path, skipped=skipped)
    members = list(
        without_system_files([*names, "__MACOSX/x", "b/._x"], skipped=skipped)
    )

    assert [entry.name for entry in entries] == ["a", "b"]
    assert members == ["b", "a"]
    assert skipped == {"file of macOS": 6}
