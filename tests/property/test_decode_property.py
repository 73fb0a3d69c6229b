from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from asg_core.images.decode import decode_for_size
from asg_core.images.errors import ImageError
from asg_core.images.geometry import Letterbox

PIXELS = (np.arange(40 * 48).reshape(40, 48) % 251).astype(np.uint8)


def raster(form: str) -> bytes:
    file = BytesIO()
    Image.fromarray(PIXELS).save(file, form)
    return file.getvalue()


def dicom() -> bytes:
    dataset = pydicom.Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.SOPInstanceUID = "1.2.3"
    dataset.PhotometricInterpretation = "MONOCHROME1"
    dataset.Rows, dataset.Columns = PIXELS.shape
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation, dataset.SamplesPerPixel = 7, 0, 1
    dataset.WindowCenter, dataset.WindowWidth = [100, 5], [200, 6]
    dataset.PixelData = PIXELS.tobytes()
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


FILES = {form: raster(form) for form in ("JPEG", "PNG", "TIFF", "BMP")} | {
    "DICOM": dicom()
}
# Mostly in the headers, where damage does most.
places = st.integers(0, 400) | st.integers(0, 1 << 16)
damages = st.lists(st.tuples(places, st.binary(min_size=1, max_size=4)), max_size=4)


# What the libraries warn of is what the file is damaged by.
@pytest.mark.filterwarnings("ignore")
@settings(max_examples=250, deadline=None)
@given(
    form=st.sampled_from(sorted(FILES)),
    damages=damages,
    length=st.none() | st.integers(0, 1 << 12),
)
def test_a_damaged_file_is_an_image_or_an_image_error(
    form: str, damages: list[tuple[int, bytes]], length: int | None
) -> None:
    data = bytearray(FILES[form])
    for place, replacement in damages:
        start = place % len(data)
        data[start : start + len(replacement)] = replacement

    with TemporaryDirectory() as folder:
        path = Path(folder) / "image"
        path.write_bytes(data[:length])
        try:
            image = decode_for_size(path, size=16, where="image")
        except ImageError as error:
            message = str(error)
        else:
            # Pixels that fit their frame, or the letterbox would refuse them.
            letterbox = Letterbox.fit(image.original, size=16)
            letterbox.apply(image.pixels_HW, reduction=image.reduction)
            return

    assert message.startswith("image: expected ")
    assert folder not in message
    assert " at 0x" not in message
