"""Whose fault it is when the file of an item cannot be read."""

import errno
import os
import zipfile
from pathlib import Path

import pytest

from asg_core.sources.reading.files import csv_rows
from asg_core.sources.reading.item_files import (
    ItemFileError,
    PassingFaultError,
    is_file,
    is_folder,
    raise_if_passing,
    read_item,
    read_member,
    stat_or_none,
)
from support.faults import break_calls, unreadable_file

PASSING = [
    "EACCES",
    "EPERM",
    "EIO",
    "ESTALE",
    "ETIMEDOUT",
    "EMFILE",
    "ENFILE",
    "ENOMEM",
    "EAGAIN",
    "EHOSTDOWN",
    "ENOTCONN",
    "ENOLCK",
]


@pytest.mark.parametrize("name", PASSING)
def test_a_fault_of_the_machine_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / "item.txt"
    path.write_bytes(b"whole")
    number = getattr(errno, name)

    with monkeypatch.context() as faults:
        break_calls(faults, name="item.txt", number=number)
        with pytest.raises(PassingFaultError) as caught:
            read_item(path)

    assert str(caught.value) == (
        f"{path}: expected to read it, found a fault of the machine: {name}, "
        f"{os.strerror(number)}. Nothing is rejected for that: run the workflow again, "
        "and if the fault stays, mend the file's permissions or its disk."
    )
    assert caught.value.errno == number
    assert read_item(path) == b"whole"  # the next try


def test_a_read_that_fails_halfway_is_a_fault_too() -> None:
    with pytest.raises(PassingFaultError, match=r"mem: expected to read it.*EIO"):
        read_item(unreadable_file())


def test_what_is_of_the_item_is_not_of_the_moment(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "dangling").symlink_to("nowhere")
    missing = ["none", "dangling", "file/below", "zero\0byte"]
    others = [".", "circle", "long" * 100]

    for name, is_missing in [(n, True) for n in missing] + [(n, False) for n in others]:
        with pytest.raises(ItemFileError, match=r"^found ") as caught:
            read_item(tmp_path / name)
        assert caught.value.is_missing == is_missing, name
        assert str(tmp_path) not in str(caught.value)
        assert not is_file(tmp_path / name)
    assert is_file(tmp_path / "file")


def test_a_name_that_no_file_can_have_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")

    assert stat_or_none(tmp_path / "zero\0byte") is None
    assert stat_or_none(tmp_path / "circle") is None
    with os.scandir(tmp_path) as entries:
        assert [is_folder(entry) for entry in entries] == [False]


def test_a_look_that_fails_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stale(path: object, **options: object) -> os.stat_result:
        raise OSError(errno.ESTALE, "Stale file handle", path)

    monkeypatch.setattr(os, "stat", stale)

    for look in (is_file, stat_or_none):
        with pytest.raises(PassingFaultError, match="ESTALE"):
            look(tmp_path / "a.png")


def test_an_error_without_a_number_is_of_the_content() -> None:
    raise_if_passing(OSError("image file is truncated"), where="x")
    raise_if_passing(FileNotFoundError(errno.ENOENT, "none"), where="x")
    fault = PassingFaultError(OSError(errno.EIO, "Input/output error"), where="x")
    with pytest.raises(PassingFaultError, match=r"^x: "):
        raise_if_passing(fault, where="elsewhere")


def zip_of(path: Path, name: str, content: bytes) -> bytearray:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, content)
    return bytearray(path.read_bytes())


@pytest.mark.parametrize(
    ("place", "value", "found"),
    [
        (0, b"\0\0\0\0", "Bad magic number"),  # of the member
        (6, b"\1\0", "encrypted"),
        (8, b"\x63\0", "compression"),
        (30 + len("a.txt"), b"X", "Bad CRC-32"),
    ],
)
def test_a_member_that_cannot_be_unpacked_is_of_the_item(
    tmp_path: Path, place: int, value: bytes, found: str
) -> None:
    path = tmp_path / "a.zip"
    data = zip_of(path, "a.txt", b"a report")
    data[place : place + len(value)] = value
    directory = data.index(b"PK\1\2")
    if place in (6, 8):  # the directory says it too
        data[directory + place + 2 : directory + place + 2 + len(value)] = value
    path.write_bytes(data)

    with zipfile.ZipFile(path) as archive:
        with pytest.raises(ItemFileError, match=found):
            read_member(archive, "a.txt")
        with pytest.raises(ItemFileError, match="no item named"):
            read_member(archive, "b.txt")


def test_a_zip_that_cannot_be_read_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.zip"
    zip_of(path, "a.txt", b"a report")

    def stale(*_: object) -> bytes:
        raise OSError(errno.ESTALE, "Stale file handle")

    with zipfile.ZipFile(path) as archive:
        monkeypatch.setattr(zipfile.ZipExtFile, "read", stale)
        with pytest.raises(PassingFaultError, match=r"a.zip: a.txt: .* ESTALE"):
            read_member(archive, "a.txt")


def test_a_table_that_cannot_be_read_now_is_not_to_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").symlink_to(unreadable_file())

    with pytest.raises(PassingFaultError, match=r"rows.csv: .*EIO"):
        list(csv_rows(tmp_path / "rows.csv"))
