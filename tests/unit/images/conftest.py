from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy.typing as npt
import pydicom
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    ExplicitVRLittleEndian,
    generate_uid,
)

from support.grey_images import write_png
from support.reference import reference_data

MakeDicom = Callable[..., bytes]


@pytest.fixture
def reference_folder() -> Path:
    """The folder of real images, which are not part of the repository."""
    return reference_data("realcxr/manifest.csv").parents[1]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data set of three images of 32 x 16 pixels, each of one grey."""
    for image_id, grey in [("b", 20), ("a", 10), ("c", 30)]:
        write_png(tmp_path / "root", image_id, grey)
    return tmp_path / "root"


@pytest.fixture
def make_dicom() -> MakeDicom:
    """A function: stored pixels and header elements -> the bytes of a DICOM file."""
    return dicom_bytes


def dicom_bytes(
    stored: npt.NDArray[Any],
    *,
    bits: int,
    syntax: UID = ExplicitVRLittleEndian,
    pixel_data: bytes | None = None,
    has_header: bool = True,
    **elements: object,
) -> bytes:
    dataset = pydicom.Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.SOPClassUID = ComputedRadiographyImageStorage
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=["test"])
    dataset.SamplesPerPixel = 1 if stored.ndim == 2 else stored.shape[2]
    dataset.PhotometricInterpretation = "MONOCHROME2" if stored.ndim == 2 else "RGB"
    if stored.ndim == 3:
        dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = stored.shape[:2]
    dataset.BitsAllocated = 8 * stored.dtype.itemsize
    dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    dataset.PixelData = stored.tobytes() if pixel_data is None else pixel_data
    if pixel_data is not None:
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    file = BytesIO()
    if has_header:
        dataset.save_as(file, enforce_file_format=True)
    else:
        del dataset.file_meta
        dataset.save_as(file, implicit_vr=True, little_endian=True)
    return file.getvalue()
