from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pydicom
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from asg_core.images.decode import decode_image
from asg_core.images.errors import ImageError
from asg_core.images.geometry import Letterbox
from asg_core.sources.reading.image_size import UnreadableImageError, image_size

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


def film(syntax: UID = ExplicitVRLittleEndian, **elements: object) -> bytes:
    """A film of 12 bits with every element that the decoder looks at."""
    dataset = pydicom.dcmread(BytesIO(dicom()))
    item = pydicom.Dataset()
    item.add_new("LUTDescriptor", "US", [256, 0, 12])
    item.add_new("LUTData", "US", [16 * n for n in range(256)])
    dataset.VOILUTSequence = pydicom.Sequence([item])
    dataset.RescaleSlope, dataset.RescaleIntercept = 2, -5
    dataset.add_new("PixelPaddingValue", "US", 0)
    dataset.add_new("PixelPaddingRangeLimit", "US", 3)
    dataset.VOILUTFunction, dataset.PresentationLUTShape = "LINEAR", "IDENTITY"
    dataset.add_new((0x6000, 0x0102), "US", 13)
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelData = (PIXELS.astype(np.uint16) * 16).tobytes()
    dataset["PixelData"].VR = "OW"
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    if syntax.is_compressed and not syntax.is_deflated:
        dataset.compress(syntax, generate_instance_uid=False)
    dataset.file_meta.TransferSyntaxUID = syntax
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


PLAIN = film()
FILES = {form: raster(form) for form in ("JPEG", "PNG", "TIFF", "BMP")} | {
    "DICOM": dicom(),
    "film": PLAIN,
    "film without a header": PLAIN[PLAIN.index(b"\x08\0\x16\0UI") :],
    "film RLE": film(RLELossless),
    "film JPEG 2000": film(JPEG2000Lossless),
    "film deflated": film(DeflatedExplicitVRLittleEndian),
    "film of text": film(WindowCenter="1", PatientComments="x" * 40),
}
# Mostly in the headers, where damage does most.
places = st.integers(0, 400) | st.integers(400, 1100) | st.integers(0, 1 << 16)
damages = st.lists(st.tuples(places, st.binary(min_size=1, max_size=4)), max_size=4)


# What the libraries warn of is what the file is damaged by.
@pytest.mark.filterwarnings("ignore")
@settings(max_examples=400, deadline=None)
@given(
    form=st.sampled_from(sorted(FILES)),
    damages=damages,
    length=st.none() | st.integers(0, 1 << 12),
    suffix=st.sampled_from(["", ".dcm", ".IMA", ".png"]),
)
@example(form="film JPEG 2000", damages=[(1097, b"\0\0")], length=None, suffix="")
def test_a_damaged_file_is_an_image_or_an_image_error(
    form: str, damages: list[tuple[int, bytes]], length: int | None, suffix: str
) -> None:
    data = bytearray(FILES[form])
    for place, replacement in damages:
        start = place % len(data)
        data[start : start + len(replacement)] = replacement

    with TemporaryDirectory() as folder:
        path = Path(folder) / f"image{suffix}"
        path.write_bytes(data[:length])
        messages = []
        size: tuple[int, int] | None = None
        try:
            size = image_size(path)
        except UnreadableImageError as error:
            messages.append(str(error))
        try:
            image = decode_image(path, size=16, where="image")
        except ImageError as error:
            messages.append(str(error).removeprefix("image: expected "))
        else:
            # What can be decoded has a size, and pixels that fit it.
            assert size == (image.original.width, image.original.height)
            letterbox = Letterbox.fit(image.original, size=16)
            letterbox.apply(image.pixels_HW, reduction=image.reduction)

    for message in messages:
        assert folder not in message
        assert " at 0x" not in message
        assert not message.startswith("image: ")
