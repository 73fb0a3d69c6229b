"""Sizes from headers; the kinds of files that the decoder reads, and no others."""

import errno
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image, PngImagePlugin
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from asg_core.images.decode import decode_image
from asg_core.images.errors import ImageError
from asg_core.sources.reading.image_size import UnreadableImageError, image_size
from asg_core.sources.reading.item_files import PassingFaultError
from support.faults import break_calls, unreadable_file

PIXELS = np.arange(12, dtype=np.uint16).reshape(3, 4) * 300
POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    b"size 12345\n"
)
SYNTAXES = {
    "implicit": (ImplicitVRLittleEndian, True, True),
    "explicit": (ExplicitVRLittleEndian, False, True),
    "big endian": (ExplicitVRBigEndian, False, False),
}


def film(syntax: str, *, has_header: bool = True) -> bytes:
    uid, is_implicit, is_little = SYNTAXES[syntax]
    dataset = pydicom.Dataset()
    dataset.SOPClassUID = ComputedRadiographyImageStorage
    dataset.SOPInstanceUID = "1.2.3"
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = PIXELS.shape
    dataset.BitsAllocated = 16
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 0
    order = "<" if is_little else ">"
    dataset.PixelData = PIXELS.astype(f"{order}u2").tobytes()
    dataset["PixelData"].VR = "OW"
    file = BytesIO()
    if has_header:
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = uid
        dataset.save_as(file, enforce_file_format=True)
    else:
        dataset.save_as(file, implicit_vr=is_implicit, little_endian=is_little)
    return file.getvalue()


def encoded(form: str) -> bytes:
    file = BytesIO()
    Image.new("RGBA", (30, 20), "red").save(file, form)
    return file.getvalue()


@pytest.mark.parametrize(
    "name", ["film", "film.IMA", "film.dcm", "film.dicom", "film.x"]
)
@pytest.mark.parametrize("has_header", [True, False])
@pytest.mark.parametrize("syntax", sorted(SYNTAXES))
def test_reader_and_decoder_agree_on_what_is_dicom(
    tmp_path: Path,
    name: str,
    has_header: bool,  # noqa: FBT001
    syntax: str,
) -> None:
    path = tmp_path / name
    path.write_bytes(film(syntax, has_header=has_header))

    assert image_size(path) == (4, 3)
    assert decode_image(path).pixels_HW.shape == (3, 4)
    assert decode_image(path).pixels_HW[0, 0] == 0
    assert decode_image(path).pixels_HW[2, 3] == 255


def test_an_image_under_a_dicom_name_is_what_its_content_says(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    shades = np.arange(600, dtype=np.uint16).reshape(20, 30) // 3
    Image.fromarray(shades.astype(np.uint8)).save(path, "PNG")

    assert image_size(path) == (30, 20)
    assert decode_image(path).pixels_HW.shape == (20, 30)


@pytest.mark.parametrize("name", ["a.png", "a.dcm", "a", "a.IMA", "a.jpg"])
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(POINTER, id="Git LFS"),
        pytest.param(encoded("DDS"), id="DDS"),
        pytest.param(encoded("DDS")[:100], id="short DDS"),
        pytest.param(encoded("GIF"), id="GIF"),
        pytest.param(encoded("WEBP"), id="WEBP"),
        pytest.param(b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(200), id="AVIF"),
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>404</html>", id="page"),
        pytest.param(bytes(4096), id="zeros"),
    ],
)
def test_both_refuse_what_is_no_image(
    tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(UnreadableImageError) as size_error:
        image_size(path)
    with pytest.raises(ImageError):
        decode_image(path)
    assert str(tmp_path) not in str(size_error.value)  # it goes into a table


def test_a_pointer_of_git_lfs_says_how_to_fetch_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(POINTER)

    with pytest.raises(UnreadableImageError, match="'git lfs pull' fetches"):
        image_size(path)
    with pytest.raises(ImageError, match="'git lfs pull' fetches") as caught:
        decode_image(path)
    assert caught.value.reason == "not_an_image"


def test_several_values_where_one_is_meant_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    data = film("explicit")
    rows = data.index(b"\x28\0\x10\0US\x02\0")
    path.write_bytes(
        data[:rows] + b"\x28\0\x10\0US\x04\0\x03\0\x03\0" + data[rows + 10 :]
    )

    with pytest.raises(UnreadableImageError):
        image_size(path)
    with pytest.raises(ImageError, match="one whole number in Rows, found") as caught:
        decode_image(path)
    assert caught.value.reason == "corrupt"


def test_what_cannot_be_read_now_is_no_image_that_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers: list[Callable[[Path], object]] = [image_size, decode_image]
    link = tmp_path / "link.png"
    link.symlink_to(unreadable_file())
    for read in readers:
        with pytest.raises(PassingFaultError, match="EIO"):
            read(link)

    path = tmp_path / "a.png"
    path.write_bytes(encoded("PNG"))
    for number in (errno.EACCES, errno.ESTALE, errno.EMFILE):
        with monkeypatch.context() as faults:
            break_calls(faults, name="a.png", number=number)
            for read in readers:
                with pytest.raises(PassingFaultError, match=errno.errorcode[number]):
                    read(path)
    assert image_size(path) == (30, 20)


def test_a_name_that_can_be_no_file_is_of_the_item(tmp_path: Path) -> None:
    (tmp_path / "circle.png").symlink_to("circle.png")

    for name, reason in [
        ("circle.png", "unreadable"),
        ("long" * 100, "unreadable"),
        ("zero\0byte.png", "missing_image"),
        ("none.png", "missing_image"),
    ]:
        with pytest.raises(UnreadableImageError):
            image_size(tmp_path / name)
        with pytest.raises(ImageError) as caught:
            decode_image(tmp_path / name, where="x")
        assert caught.value.reason == reason


@pytest.mark.parametrize("kind", ["xmp", "raw profile", "chunk"])
def test_a_png_is_turned_by_reader_and_decoder_alike(tmp_path: Path, kind: str) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    about = PngImagePlugin.PngInfo()
    if kind == "xmp":
        about.add_itxt("XML:com.adobe.xmp", '<x:xmpmeta tiff:Orientation="6"/>')
    elif kind == "raw profile":
        block = turned.tobytes().hex()
        about.add_text(
            "Raw profile type exif", f"\nexif\n{len(block) // 2:>8}\n{block}"
        )
    path = tmp_path / "a.png"
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    extra: dict[str, Any] = {"exif": turned} if kind == "chunk" else {}
    Image.fromarray(pixels).save(path, pnginfo=about, **extra)

    assert image_size(path) == (3, 4)
    assert decode_image(path).pixels_HW.shape == (4, 3)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_that_of_the_frame_as_it_is_shown(
    tmp_path: Path, form: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation  # from 5 on it stands on its side
    Image.new("L", (30, 20)).save(tmp_path / "a", form, exif=exif)

    assert image_size(tmp_path / "a") == ((20, 30) if orientation >= 5 else (30, 20))
    assert decode_image(tmp_path / "a").pixels_HW.shape == (
        (30, 20) if orientation >= 5 else (20, 30)
    )


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        (None, 4, "the header names no Rows or no Columns"),
        (3, None, "the header names no Rows or no Columns"),
        (0, 4, "the header says 4 x 0 pixels"),
    ],
)
def test_a_dicom_without_a_size_is_unreadable(
    tmp_path: Path, rows: int | None, columns: int | None, message: str
) -> None:
    dataset = pydicom.dcmread(BytesIO(film("explicit")))
    for keyword, value in (("Rows", rows), ("Columns", columns)):
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    dataset.save_as(tmp_path / "x.dcm")

    with pytest.raises(UnreadableImageError, match=message):
        image_size(tmp_path / "x.dcm")
