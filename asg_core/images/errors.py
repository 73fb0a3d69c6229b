"""What can be wrong with an image file."""

from collections.abc import Callable
from typing import Literal

from asg_core.images.geometry import Pixels

Reason = Literal[
    "missing_image",  # no file of this name
    "unreadable",  # a folder, or a name that no file can have
    "empty",  # no bytes, or a DICOM file without pixels
    "not_an_image",  # none of the formats that are read
    "truncated",  # ends before its last pixel
    "corrupt",  # its contents contradict themselves
    "multi_frame",  # several pictures in one file: which one is meant is unknown
    "no_decoder",  # a DICOM compression that no installed package decodes
    "unsupported",  # a kind of pixel that is no radiograph: float, palette DICOM, ...
    "too_large",  # more pixels than any radiograph has
    "blank",  # varied pixels that come out as one grey
]


class ImageError(ValueError):
    """An image file that cannot be used.

    The message is "where: sentence". Neither part holds more than the caller named:
    `sentence` has no path in it, so that it may go into a table.
    """

    def __init__(self, sentence: str, *, reason: Reason, where: str) -> None:
        super().__init__(f"{where}: {sentence}")
        self.sentence = sentence
        self.reason: Reason = reason


def check_not_blank(
    pixels_HW: Pixels, *, is_varied: Callable[[], bool], where: str
) -> None:
    """Raise if pixels that are not all the same in the file come out as one grey.

    Args:
        pixels_HW: The decoded image.
        is_varied: Says whether the pixels of the file differ; asked only at need.
        where: What the error calls the file.

    Raises:
        ImageError: If they do; its reason is `blank`.
    """
    # Nearly always the row in the middle says that it is no blank.
    is_blank = all(
        part.min() == part.max() for part in (pixels_HW[len(pixels_HW) // 2], pixels_HW)
    )
    if is_blank and is_varied():
        raise ImageError(
            f"expected a film, found varied pixels that all show as {pixels_HW.min()}",
            reason="blank",
            where=where,
        )
