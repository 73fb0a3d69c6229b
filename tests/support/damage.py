"""Files with one wrong byte, as bad disks and broken copies make them."""

from collections.abc import Iterator
from pathlib import Path


def damaged_copies(path: Path, *, bits: int = 0xFF) -> Iterator[int]:
    """Turn some bits of a byte of a file, at a hundred places after each other.

    Each time the place is yielded. The file is whole again at the end.
    """
    whole = path.read_bytes()
    try:
        for place in range(0, len(whole), max(len(whole) // 100, 1)):
            wrong = bytes([whole[place] ^ bits])
            path.write_bytes(whole[:place] + wrong + whole[place + 1 :])
            yield place
    finally:
        path.write_bytes(whole)


def end_of_pages(path: Path) -> int:
    """Return where the pages of a Parquet file end and its footer begins.

    The last 8 bytes are the length of the footer, and the letters PAR1.
    """
    content = path.read_bytes()
    return len(content) - 8 - int.from_bytes(content[-8:-4], "little")
