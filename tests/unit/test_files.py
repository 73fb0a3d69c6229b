"""Files and folders appear under their name only when they are whole."""

import json
from pathlib import Path

import pytest

from asg_core.files import replacing, write_json


def fail_while_writing(path: Path, *, folder: bool = False) -> None:
    """Write half of `path` and fail; the error says the temporary name."""
    with replacing(path) as temporary:
        if folder:
            temporary.mkdir()
        (temporary / "half.txt" if folder else temporary).write_text("hal")
        raise RuntimeError(temporary.name)


def test_the_earlier_file_stays_until_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "made" / "table.txt"
    write_json(path, {"a": 1})

    with replacing(path) as temporary:
        temporary.write_text("new")
        assert json.loads(path.read_text()) == {"a": 1}

    assert path.read_text() == "new"
    assert sorted(path.parent.iterdir()) == [path]


def test_a_block_that_raises_leaves_the_earlier_file_and_nothing_else(
    tmp_path: Path,
) -> None:
    path = tmp_path / "table.txt"
    path.write_text("old")

    with pytest.raises(RuntimeError):
        fail_while_writing(path)

    assert path.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_folder_is_exchanged_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "encoder"
    path.mkdir()
    (path / "left.txt").write_text("of before")

    with replacing(path) as temporary:
        temporary.mkdir()
        (temporary / "new.txt").write_text("of now")
        assert (path / "left.txt").exists()

    assert [file.name for file in path.iterdir()] == ["new.txt"]
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_folder_that_could_not_be_written_leaves_the_earlier_one(
    tmp_path: Path,
) -> None:
    path = tmp_path / "encoder"
    path.mkdir()
    (path / "left.txt").write_text("of before")

    with pytest.raises(RuntimeError):
        fail_while_writing(path, folder=True)

    assert [file.name for file in path.iterdir()] == ["left.txt"]
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_block_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "nothing"):
        pass


def test_what_a_killed_process_of_the_same_number_left_is_no_hindrance(
    tmp_path: Path,
) -> None:
    with pytest.raises(RuntimeError) as failure:
        fail_while_writing(tmp_path / "a")
    name = str(failure.value)
    (tmp_path / name).mkdir()
    (tmp_path / name / "old").write_text("left behind")

    with replacing(tmp_path / "a") as temporary:
        temporary.write_text("whole")

    assert (tmp_path / "a").read_text() == "whole"
