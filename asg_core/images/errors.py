"""What can be wrong with an image file."""

from typing import Literal

Reason = Literal[
    "missing_image",  # no file of this name
    "unreadable",  # a folder, or a file that this user may not read
    "empty",  # no bytes, or a DICOM file without pixels
    "not_an_image",  # none of the formats that are read
    "truncated",  # ends before its last pixel
    "corrupt",  # its contents contradict themselves
    "multi_frame",  # several pictures in one file: which one is meant is unknown
    "no_decoder",  # a DICOM compression that no installed package decodes
    "unsupported",  # a kind of pixel that is no radiograph: float, palette DICOM, ...
    "too_large",  # more pixels than any radiograph has
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
