import csv
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from asg_core.images.decode import decode_image
from asg_core.images.errors import ImageError
from asg_core.images.geometry import Frame, Letterbox

MakeDicom = Callable[..., bytes]
GREY = np.array([[0, 10, 20], [100, 200, 255]], dtype=np.uint8)


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def radiograph(width: int, height: int) -> npt.NDArray[np.uint8]:
    """Smooth shading with a bright square, as JPEG likes it."""
    y, x = np.mgrid[:height, :width]
    shade = 90 + 50 * np.sin(x / width * 9) * np.cos(y / height * 7)
    shade[height // 4 : height // 2, width // 4 : width // 2] += 80
    return np.asarray(shade, dtype=np.uint8)


def failure(path: Path) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode_image(path, where="images/a.x")
    return caught.value


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P"])
def test_a_png_is_the_same_in_every_mode(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.png"
    image = Image.fromarray(GREY).convert(mode)
    if mode in ("RGBA", "LA"):
        image.putalpha(3)  # nearly transparent: dropped, not blended
    path.write_bytes(encoded(image, "PNG"))

    assert decode_image(path).pixels_HW.tolist() == GREY.tolist()


def test_a_palette_with_several_alphas_is_its_colours(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8), "P")
    image.putpalette([200, 200, 200, 10, 10, 10, 90, 90, 90])
    image.save(tmp_path / "a.png", transparency=bytes([0, 100, 255]))

    assert decode_image(tmp_path / "a.png").pixels_HW.tolist() == [[200, 10, 90]]


def test_colours_become_luma(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], dtype=np.uint8)
    path.write_bytes(encoded(Image.fromarray(colours), "PNG"))

    # 0.299, 0.587 and 0.114 of 255
    assert decode_image(path).pixels_HW.tolist() == [[76, 150, 29]]


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ([0, 257, 32768, 65535], [0, 1, 128, 255]),  # 16 bits: x / 257
        ([0, 2048, 4095], [0, 128, 255]),  # 12 bits in 16: x / 4095 * 255
        ([0, 7, 100], [0, 7, 100]),  # never less than 8 bits
    ],
)
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_16_bit_samples_are_scaled_by_the_bits_in_use(
    tmp_path: Path, stored: list[int], expected: list[int], form: str
) -> None:
    path = tmp_path / "a"
    samples = np.array([stored], dtype=np.uint16)
    path.write_bytes(encoded(Image.fromarray(samples), form))

    assert decode_image(path).pixels_HW.tolist() == [expected]


@pytest.mark.parametrize("form", ["TIFF", "BMP"])
def test_other_lossless_formats(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(encoded(Image.fromarray(GREY), form))

    assert decode_image(path).pixels_HW.tolist() == GREY.tolist()


def test_a_jpeg_is_nearly_what_was_stored(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    stored = radiograph(300, 200)

    path.write_bytes(encoded(Image.fromarray(stored), "JPEG", quality=95))
    grey = decode_image(path).pixels_HW
    path.write_bytes(
        encoded(Image.fromarray(stored).convert("RGB"), "JPEG", quality=95)
    )
    colour = decode_image(path).pixels_HW

    assert np.abs(grey.astype(int) - stored).mean() < 1
    assert np.abs(colour.astype(int) - stored).mean() < 1


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF"])
def test_an_exif_orientation_is_applied(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a"
    stored = np.full((16, 32), 20, dtype=np.uint8)
    stored[:, :8] = 220  # left
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees, clockwise
    path.write_bytes(encoded(Image.fromarray(stored), form, exif=exif))

    upright = decode_image(path).pixels_HW
    small = decode_image(path, size=1)

    assert upright.shape == (32, 16)
    assert upright[:8].min() > 200  # what was left is now on top
    assert upright[8:].max() < 40
    assert small.original == Frame(width=16, height=32)
    assert small.reduction == 1


@pytest.mark.parametrize(
    ("size", "reduction", "shape"),
    [
        (256, 1, (600, 1001)),  # 1001 < 2 * 2 * 256
        (250, 2, (300, 501)),
        (100, 4, (150, 251)),  # partial last pixels are kept
        (16, 8, (75, 126)),
    ],
)
def test_a_large_jpeg_is_decoded_at_a_fraction(
    tmp_path: Path, size: int, reduction: int, shape: tuple[int, int]
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(Image.fromarray(radiograph(1001, 600)), "JPEG"))

    image = decode_image(path, size=size)

    assert image.reduction == reduction
    assert image.pixels_HW.shape == shape
    assert image.original == Frame(width=1001, height=600)


def test_the_fraction_changes_the_small_image_hardly(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(
        encoded(Image.fromarray(radiograph(1001, 777)), "JPEG", quality=95)
    )
    letterbox = Letterbox.fit(Frame(width=1001, height=777), size=64)

    whole = letterbox.apply(decode_image(path).pixels_HW).astype(float)
    image = decode_image(path, size=64)
    reduced = letterbox.apply(image.pixels_HW, reduction=image.reduction)

    assert image.reduction == 4
    error = np.square(whole - reduced).mean()
    assert 10 * np.log10(255**2 / error) > 50


def test_only_jpegs_are_reduced(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(Image.fromarray(radiograph(800, 600)), "PNG"))

    assert decode_image(path, size=16).reduction == 1


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_is_whole_or_an_error(tmp_path: Path, progressive: bool) -> None:  # noqa: FBT001
    path = tmp_path / "a.jpg"
    data = encoded(
        Image.fromarray(radiograph(200, 160)), "JPEG", progressive=progressive
    )

    for length in [1, 2, 3, 50, *range(300, len(data), 97), len(data) - 1]:
        path.write_bytes(data[:length])
        assert failure(path).reason in ("truncated", "not_an_image")
    path.write_bytes(data[: len(data) // 2] + bytes(len(data) // 2))
    assert failure(path).reason == "truncated"
    path.write_bytes(data + b"\0\0\0")
    assert decode_image(path).pixels_HW.shape == (160, 200)


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_jpeg(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    data = encoded(Image.fromarray(noise), "JPEG")
    comment = b"\xff\xfe\x00\x08" + b"\xff\xda\xff\xd9..."[:6]

    with_comment = data[:2] + comment + data[2:]
    path.write_bytes(with_comment)
    assert decode_image(path).pixels_HW.shape == (64, 64)
    path.write_bytes(with_comment[:-2] + b"\0\0")
    assert failure(path).reason == "truncated"


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
@pytest.mark.parametrize("form", ["PNG", "TIFF", "BMP"])
def test_other_formats_are_whole_or_an_error(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a"
    data = encoded(Image.fromarray(radiograph(50, 40)), form)

    for length in [10, 40, len(data) // 3, len(data) // 2]:
        path.write_bytes(data[:length])
        assert failure(path).reason in ("truncated", "corrupt")


def test_a_changed_png_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    data = bytearray(encoded(Image.fromarray(radiograph(50, 40)), "PNG"))
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)

    error = failure(path)

    assert error.reason == "corrupt"
    assert str(error).startswith("images/a.x: expected a whole PNG, found: ")


def test_what_is_not_there_or_not_an_image(tmp_path: Path) -> None:
    empty, text, gif = tmp_path / "empty", tmp_path / "text", tmp_path / "gif"
    empty.touch()
    text.write_text("an <html> page that the server sent instead")
    gif.write_bytes(encoded(Image.fromarray(GREY), "GIF"))

    assert failure(tmp_path / "none").reason == "missing_image"
    assert failure(empty / "below a file").reason == "missing_image"
    assert failure(tmp_path).reason == "unreadable"
    assert failure(empty).reason == "empty"
    assert failure(text).reason == "not_an_image"
    assert failure(gif).reason == "not_an_image"
    # No path, no address in memory: rejects of two runs are the same bytes.
    assert str(failure(text)) == (
        "images/a.x: expected JPEG, PNG, TIFF, BMP or DICOM, found none of them"
    )


def test_several_images_in_a_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    page = Image.fromarray(GREY)
    path.write_bytes(encoded(page, "TIFF", save_all=True, append_images=[page]))

    error = failure(path)

    assert error.reason == "multi_frame"
    assert error.sentence == "expected one image, found 2 in one file"


def test_floating_point_pixels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(encoded(Image.fromarray(GREY.astype(np.float32)), "TIFF"))

    assert failure(path).reason == "unsupported"


def test_samples_of_more_than_16_bits_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(encoded(Image.fromarray(GREY.astype(np.int32) * 70000), "TIFF"))

    assert "found values 0 .. 17850000" in str(failure(path))


def test_negative_samples_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    samples = np.array([[-5, 7]], dtype=np.int32)
    path.write_bytes(encoded(Image.fromarray(samples), "TIFF"))

    assert failure(path).reason == "unsupported"
    assert "found values -5 .. 7" in str(failure(path))


def test_an_image_that_claims_to_be_huge_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    data = encoded(Image.fromarray(GREY), "PNG")
    side = (60000).to_bytes(4, "big")
    header = data[12:16] + side + side + data[24:29]
    check = zlib.crc32(header).to_bytes(4, "big")
    path.write_bytes(data[:12] + header + check + data[33:])

    assert failure(path).reason == "too_large"


def test_dicom_goes_by_its_content(tmp_path: Path, make_dicom: MakeDicom) -> None:
    path = tmp_path / "a.img"
    path.write_bytes(make_dicom(GREY, bits=8))

    assert decode_image(path).pixels_HW.tolist() == GREY.tolist()
    assert decode_image(path, size=1).original == Frame(width=3, height=2)


def test_real_files_of_one_film_agree(reference_folder: Path) -> None:
    root = reference_folder / "realcxr"
    with (root / "manifest.csv").open(newline="") as file:
        rows = {row["image_id"]: row for row in csv.DictReader(file)}
    derived = [row for name, row in rows.items() if name.startswith("dicom_hannover")]

    correlations = []
    for row in derived:
        film = rows["hannover_" + row["image_id"].split("_")[2]]
        image, other = (
            decode_image(root / row["file"]).pixels_HW,
            decode_image(root / film["file"]).pixels_HW,
        )
        assert image.shape == (int(row["height"]), int(row["width"]))
        correlations.append(np.corrcoef(image.ravel(), other.ravel())[0, 1])

    # DICOM of other depths, windows and polarity, made from PNG and JPEG: an inversion
    # too many or too few would be -1.
    assert len(correlations) == 6
    assert min(correlations) > 0.98
