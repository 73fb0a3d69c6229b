"""Reading the files of single items, and whose fault it is when one cannot be read.

What the content says, and a file that is not there, is the item's own fault and stays: a
row of the table `rejects`. What the operating system says of a moment (no permission, an
error of the disk, a stale handle, too many open files, no memory) would be gone at the next
try, so it ends the job and never becomes a row of a table.
"""

import errno
import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

Problem = tuple[str, str]
"""Why an item cannot be used: the reason and the detail of its row in `rejects`."""

_MISSING = frozenset({errno.ENOENT, errno.ENOTDIR})
# Names that can be no file: links in a circle, too long, a folder, letters or places that
# the file system does not have.
_UNUSABLE = frozenset(
    {errno.ELOOP, errno.ENAMETOOLONG, errno.EISDIR, errno.EINVAL, errno.EILSEQ}
)

# What zipfile raises on a damaged member, or on one that it cannot unpack.
_MEMBER_ERRORS = (
    OSError,
    EOFError,
    KeyError,
    ValueError,
    RuntimeError,  # encrypted
    NotImplementedError,  # another compression
    OverflowError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)


class ItemFileError(ValueError):
    """The file of an item cannot be read, now or later; the message holds no path."""

    def __init__(self, sentence: str, *, is_missing: bool) -> None:
        super().__init__(sentence)
        self.is_missing = is_missing
        """True: there is no such file. False: there is something else of that name."""


class PassingFaultError(OSError):
    """The operating system could not read a file; the next try may.

    It is an OSError with the number of the one behind it, so that code which tells the two
    kinds of OSError apart by their numbers takes it for what it is.
    """

    def __init__(self, error: OSError, *, where: str) -> None:
        code = errno.errorcode.get(error.errno or 0, "no number")
        super().__init__(
            f"{where}: expected to read it, found a fault of the machine: {code}, "
            f"{error.strerror or error}. Nothing is rejected for that: run the workflow "
            "again, and if the fault stays, mend the file's permissions or its disk."
        )
        self.errno = error.errno


def is_passing(error: BaseException) -> bool:
    """Say whether an error is of the moment and not of the item.

    Libraries raise OSError for bad content too, and such errors have no number.
    """
    return (
        isinstance(error, OSError)
        and error.errno is not None
        and error.errno not in _MISSING | _UNUSABLE
    )


def raise_if_passing(error: BaseException, *, where: str) -> None:
    """Raise PassingFaultError if an error is of the moment; else do nothing."""
    if isinstance(error, PassingFaultError):
        raise error
    if isinstance(error, OSError) and is_passing(error):
        raise PassingFaultError(error, where=where) from error


def is_file(path: Path) -> bool:
    """Say whether there is such a file; a link that leads nowhere is none.

    Raises:
        PassingFaultError: If the operating system cannot say.
    """
    status = stat_or_none(path)
    return status is not None and stat.S_ISREG(status.st_mode)


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Say whether an entry of a folder is a folder; a link that leads nowhere is none.

    Raises:
        PassingFaultError: If the operating system cannot say.
    """
    try:
        return entry.is_dir()
    except OSError as error:  # a link in a circle, among others
        raise_if_passing(error, where=entry.path)
        return False


def stat_or_none(path: str | os.PathLike[str]) -> os.stat_result | None:
    """Return the status of a file, or None where there is none (or a link to none).

    Raises:
        PassingFaultError: If the operating system cannot say.
    """
    try:
        return os.stat(path)  # noqa: PTH116 - entries of a folder are no Path
    except ValueError:  # a name with a zero byte
        return None
    except OSError as error:
        raise_if_passing(error, where=os.fspath(path))
        return None


def read_item(path: Path) -> bytes:
    """Return the content of an item's file.

    Raises:
        ItemFileError: If there is no such file, or something that is none.
        PassingFaultError: If the operating system cannot read it.
    """
    try:
        return path.read_bytes()
    except (ValueError, OSError) as error:
        raise _item_error(error, where=str(path)) from error


@contextmanager
def open_item(path: Path) -> Iterator[BinaryIO]:
    """Open the file of an item; what the operating system says while it is open counts.

    Raises:
        ItemFileError: If there is no such file, or something that is none.
        PassingFaultError: If the operating system cannot read it.
    """
    try:
        file = path.open("rb")
    except (ValueError, OSError) as error:
        raise _item_error(error, where=str(path)) from error
    with file:
        try:
            yield file
        except OSError as error:
            raise_if_passing(error, where=str(path))
            raise


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return the content of an item in a zip.

    Raises:
        ItemFileError: If the member is damaged, or packed in a way that cannot be read.
        PassingFaultError: If the operating system cannot read the zip.
    """
    try:
        return archive.read(name)
    except _MEMBER_ERRORS as error:
        where = f"{archive.filename}: {name}"
        raise_if_passing(error, where=where)
        raise ItemFileError(
            f"found a member of the zip that cannot be read: {error}", is_missing=False
        ) from error


def _item_error(error: ValueError | OSError, *, where: str) -> ItemFileError:
    if isinstance(error, ValueError):  # a name with a zero byte
        return ItemFileError("found a name of no file", is_missing=True)
    raise_if_passing(error, where=where)
    if error.errno in _MISSING:
        return ItemFileError("found no file", is_missing=True)
    found = error.strerror or "a name of no file"
    return ItemFileError(f"found what is no file: {found}", is_missing=False)
