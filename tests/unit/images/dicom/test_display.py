"""Films whose headers are wrong: what is shown instead, what is said, what is refused."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from PIL import Image
from pydicom.uid import UID, JPEG2000Lossless, RLELossless

from asg_core.images.decode import DecodedImage, decode_image
from asg_core.images.errors import ImageError
from asg_core.images.notes import NOTES

MakeDicom = Callable[..., bytes]
Stored = npt.NDArray[np.uint16]
Show = Callable[..., DecodedImage]


@pytest.fixture
def show(tmp_path: Path, make_dicom: MakeDicom) -> Show:
    """A function: stored pixels and elements -> the decoded image.

    `replaced` stands in for the 4711.0 of the header, since the library writes no number
    that is none.
    """

    def shown(stored: Stored, *, replaced: str = "", **options: object) -> DecodedImage:
        data = make_dicom(stored, **options)
        if replaced:
            assert data.count(b"4711.0") == 1
            assert len(replaced) <= 6
            data = data.replace(b"4711.0", replaced.ljust(6).encode())
        path = tmp_path / "film.dcm"
        path.write_bytes(data)
        return decode_image(path, size=64, where="film.dcm")

    return shown


def film(bits: int = 12) -> Stored:
    """A smooth film that needs all of its bits, with some noise."""
    y, x = np.mgrid[:60, :80]
    rng = np.random.default_rng(0)
    shade = (np.sin(x / 17) * np.cos(y / 13) + 1) / 2 * ((1 << bits) - 40)
    return np.asarray(shade + rng.integers(0, 39, x.shape), dtype=np.uint16)


def same(one: DecodedImage, other: DecodedImage) -> bool:
    return bool(np.array_equal(one.pixels_HW, other.pixels_HW))


@pytest.mark.parametrize("centre", ["nan", "inf", "-inf", "abc"])
@pytest.mark.parametrize("bits", [8, 12])
def test_a_window_without_a_centre_is_no_window(
    show: Show, centre: str, bits: int
) -> None:
    plain = show(film(bits), bits=bits)

    image = show(
        film(bits), bits=bits, WindowCenter=4711, WindowWidth=900, replaced=centre
    )

    assert same(image, plain)
    assert image.notes == {"window_unusable"}
    assert plain.notes == set()


@pytest.mark.parametrize("width", ["nan", "inf", "-inf", "0", "-5", "1e30", "x", "\\"])
def test_a_window_without_a_width_is_no_window(show: Show, width: str) -> None:
    plain = show(film(), bits=12)

    image = show(film(), bits=12, WindowCenter=900, WindowWidth=4711, replaced=width)

    assert same(image, plain)
    assert image.notes == {"window_unusable"}


@pytest.mark.parametrize("centre", [-9000, 60000])
def test_a_window_outside_the_pixels_is_no_window(show: Show, centre: int) -> None:
    stored = film()
    stored[:1, :5] = 65000  # a burnt-in letter, which such a window shows

    image = show(stored, bits=16, WindowCenter=centre, WindowWidth=100)

    assert same(image, show(stored, bits=16))
    assert len(np.unique(image.pixels_HW)) > 200
    assert image.notes == {"window_unusable"}


def test_the_next_window_counts_where_the_first_is_none(show: Show) -> None:
    windows = {"WindowCenter": [900, 2000], "WindowWidth": [4711, 3000]}

    image = show(film(), bits=12, replaced="nan", **windows)

    assert same(image, show(film(), bits=12, WindowCenter=2000, WindowWidth=3000))
    assert image.notes == {"window_unusable"}


def test_a_narrow_window_is_a_window(show: Show) -> None:
    image = show(film(), bits=12, WindowCenter=2000, WindowWidth=1)

    assert np.unique(image.pixels_HW).tolist() == [0, 255]
    assert image.notes == set()


def test_an_unknown_window_function_is_linear(show: Show) -> None:
    window = {"WindowCenter": 2000, "WindowWidth": 3000}

    image = show(film(), bits=12, VOILUTFunction="CUBIC", **window)

    assert same(image, show(film(), bits=12, **window))
    assert image.notes == {"window_function_unknown"}


@pytest.mark.parametrize("slope", ["nan", "inf", "0", "abc", "1e400", "1e-99", "1e306"])
def test_a_rescale_that_is_none_leaves_the_values(show: Show, slope: str) -> None:
    stored, window = film(), {"WindowCenter": 2000, "WindowWidth": 3000}
    data = {"RescaleSlope": 4711, "RescaleIntercept": 10}

    image = show(stored, bits=12, replaced=slope, **data, **window)

    assert same(image, show(stored, bits=12, **window))
    assert image.notes == {"rescale_unusable"}


def test_a_rescale_without_an_intercept_leaves_the_values(show: Show) -> None:
    data = {"RescaleSlope": 2, "RescaleIntercept": 4711}

    image = show(film(), bits=12, replaced="nan", **data)

    assert same(image, show(film(), bits=12))
    assert image.notes == {"rescale_unusable"}


def lut(entries: list[int], *, first: int = 0, bits: int = 12) -> pydicom.Sequence:
    item = pydicom.Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item.add_new("LUTData", "US", entries)
    return pydicom.Sequence([item])


CURVE = [round(4095 * (place / 4095) ** 0.5) for place in range(4096)]


@pytest.mark.parametrize("bits", [8, 16])
def test_a_lut_is_scaled_by_its_entries_whatever_bits_it_declares(
    show: Show, bits: int
) -> None:
    right = show(film(), bits=12, VOILUTSequence=lut(CURVE))

    image = show(film(), bits=12, VOILUTSequence=lut(CURVE, bits=bits))

    assert same(image, right)
    assert image.pixels_HW.max() > 250
    assert image.notes == {"voi_lut_bits_wrong"}
    assert right.notes == set()


def test_a_dark_lut_stays_dark(show: Show) -> None:
    dark = [place // 2 for place in range(4096)]

    image = show(film(), bits=12, VOILUTSequence=lut(dark))

    assert image.pixels_HW.max() < 128
    assert image.notes == set()


def test_a_lut_that_is_none_leaves_the_window(show: Show) -> None:
    window = {"WindowCenter": 2000, "WindowWidth": 3000}
    right = show(film(), bits=12, **window)
    short, words = lut(CURVE), lut(CURVE)
    short[0].LUTDescriptor = [4096 * 2, 0, 12]
    del words[0].LUTDescriptor

    for table in (
        pydicom.Sequence([pydicom.Dataset()]),  # an empty item
        short,
        words,
        lut([7] * 4096),  # one level
        lut(CURVE, first=60000),  # all pixels are below
    ):
        image = show(film(), bits=12, VOILUTSequence=table, **window)
        assert same(image, right)
        assert "voi_lut_unusable" in image.notes


def test_a_modality_lut_that_is_none_leaves_the_values(show: Show) -> None:
    right = show(film(), bits=12)

    for table in (pydicom.Sequence([pydicom.Dataset()]), lut([3] * 4096)):
        image = show(film(), bits=12, ModalityLUTSequence=table)
        assert same(image, right)
        assert image.notes == {"modality_lut_unusable"}


def test_of_several_padding_values_the_first_counts(show: Show) -> None:
    image = show(film(), bits=12, PixelPaddingValue=[5, 6])

    assert image.notes == set()
    assert same(image, show(film(), bits=12, PixelPaddingValue=5))


@pytest.fixture
def show_as(show: Show, tmp_path: Path, make_dicom: MakeDicom) -> Show:
    """As `show`, compressed, and with `bits` said to be stored of the 16 there are."""

    def shown(
        stored: Stored, *, syntax: UID | None, bits: int, **elements: object
    ) -> DecodedImage:
        dataset = pydicom.dcmread(BytesIO(make_dicom(stored, bits=16, **elements)))
        if syntax is not None:
            dataset.compress(syntax, generate_instance_uid=False)
        dataset.BitsStored, dataset.HighBit = bits, bits - 1
        path = tmp_path / "film.dcm"
        dataset.save_as(path)
        return decode_image(path, size=64, where="film.dcm")

    return shown


every_syntax = pytest.mark.parametrize("syntax", [None, RLELossless, JPEG2000Lossless])


# pydicom says that the precision of JPEG 2000 is not that of the header, which is so.
@pytest.mark.filterwarnings("ignore:The .* in the JPEG 2000:UserWarning")
@every_syntax
@pytest.mark.parametrize("bits", [8, 10])
def test_more_bits_than_are_said_to_be_stored_all_count(
    show: Show, show_as: Show, syntax: UID | None, bits: int
) -> None:
    right = show(film(), bits=12)

    image = show_as(film(), syntax=syntax, bits=bits)

    assert same(image, right)
    assert len(np.unique(image.pixels_HW)) > 200
    assert image.notes == {"bits_stored_too_few"}


def test_padding_has_no_voice_on_which_bits_count(show_as: Show) -> None:
    stored = film()
    stored[:, ::2] = 65535

    image = show_as(stored, syntax=None, bits=8, PixelPaddingValue=65535)

    assert image.notes == {"bits_stored_too_few"}
    assert not image.pixels_HW[:, ::2].any()


def test_neighbours_above_have_a_voice_on_which_bits_count(show_as: Show) -> None:
    rows = np.arange(60, dtype=np.uint16) * 60

    image = show_as(np.tile(rows[:, None], (1, 80)), syntax=None, bits=8)

    assert image.notes == {"bits_stored_too_few"}


def test_signed_pixels_need_a_bit_for_their_sign(show: Show, show_as: Show) -> None:
    stored = (film(8).astype(np.int16) - 128).clip(-128, 127)

    image = show_as(stored, syntax=None, bits=6)

    assert same(image, show(stored, bits=8))
    assert image.notes == {"bits_stored_too_few"}


def test_a_few_sharp_edges_do_not_make_precision_an_overlay(
    show: Show, show_as: Show
) -> None:
    stored = film()
    stored[20:30, 20:30] = 4000  # a pacemaker
    stored[5:8, 5:60:3] = 0

    assert same(show_as(stored, syntax=None, bits=8), show(stored, bits=12))


@pytest.mark.filterwarnings("ignore:The .* in the JPEG 2000:UserWarning")
@every_syntax
@pytest.mark.parametrize("elements", [{}, {"WindowCenter": 2000, "WindowWidth": 3000}])
def test_an_overlay_in_the_high_bits_is_masked(
    show: Show, show_as: Show, syntax: UID | None, elements: dict[str, int]
) -> None:
    right = show(film(), bits=12, **elements)
    drawn = film()
    drawn[10:20, 30:50] |= 1 << 12
    drawn[40:42] |= 1 << 15

    image = show_as(drawn, syntax=syntax, bits=12, **elements)

    assert same(image, right)
    assert image.notes == {"high_bits_masked"}


def test_high_bits_that_all_pixels_have_are_masked(show: Show) -> None:
    window = {"WindowCenter": 2000, "WindowWidth": 3000}

    image = show(film() | (1 << 14), bits=12, **window)

    assert same(image, show(film(), bits=12, **window))
    assert image.notes == {"high_bits_masked"}


def test_a_declared_overlay_is_masked_inside_the_stored_bits(
    show: Show, make_dicom: MakeDicom, tmp_path: Path
) -> None:
    right = show(film(), bits=12)
    drawn = film()
    drawn[10:20, 30:50] |= 1 << 13
    dataset = pydicom.dcmread(BytesIO(make_dicom(drawn, bits=16)))
    dataset.add_new((0x6000, 0x0100), "US", 16)
    dataset.add_new((0x6000, 0x0102), "US", 13)
    dataset.save_as(tmp_path / "film.dcm")

    image = decode_image(tmp_path / "film.dcm", size=64)

    assert same(image, right)
    assert image.notes == {"high_bits_masked"}


def test_an_overlay_with_data_of_its_own_is_not_in_the_pixels(
    show: Show, make_dicom: MakeDicom, tmp_path: Path
) -> None:
    drawn = film()
    drawn[10:20, 30:50] |= 1 << 13
    dataset = pydicom.dcmread(BytesIO(make_dicom(drawn, bits=16)))
    dataset.add_new((0x6000, 0x0102), "US", 13)
    dataset.add_new((0x6000, 0x3000), "OW", b"\0" * 600)
    dataset.save_as(tmp_path / "film.dcm")

    image = decode_image(tmp_path / "film.dcm", size=64)

    assert same(image, show(drawn, bits=16))
    assert image.notes == set()


def test_an_overlay_that_is_declared_and_not_there_masks_nothing(
    show: Show, make_dicom: MakeDicom, tmp_path: Path
) -> None:
    right = show(film(), bits=12)
    dataset = pydicom.dcmread(BytesIO(make_dicom(film(), bits=12)))
    dataset.add_new((0x6000, 0x0102), "US", 9)
    dataset.save_as(tmp_path / "film.dcm")

    image = decode_image(tmp_path / "film.dcm", size=64)

    assert same(image, right)
    assert image.notes == set()


def test_signs_that_are_not_extended_are_read(show: Show) -> None:
    stored = (film() - 2048).astype(np.int16)
    window = {"WindowCenter": 0, "WindowWidth": 3000}
    right = show(stored, bits=12, **window)

    image = show((stored.view(np.uint16) & 0x0FFF).view(np.int16), bits=12, **window)

    assert same(image, right)
    assert right.notes == set()


def test_padding_beyond_the_stored_bits_is_padding(show: Show) -> None:
    stored = film()
    stored[:, :10] = 63536

    image = show(stored, bits=12, PixelPaddingValue=63536)

    assert not image.pixels_HW[:, :10].any()
    assert len(np.unique(image.pixels_HW)) > 200
    assert image.notes == set()


@pytest.mark.parametrize("padding", [0, 63536])
def test_padding_under_an_overlay_is_padding(show: Show, padding: int) -> None:
    stored = film()
    stored[:, :10] = padding
    stored[10:20, 5:50] |= 1 << 12  # drawn over the padding and over the film
    elements = {
        "PixelPaddingValue": padding,
        "PhotometricInterpretation": "MONOCHROME1",
    }

    image = show(stored, bits=12, **elements)

    assert not image.pixels_HW[:10, :10].any()
    assert image.notes == {"high_bits_masked"}
    if padding == 0:  # beyond the stored bits the overlay makes another value of it
        assert not image.pixels_HW[:, :10].any()


def test_a_film_of_one_value_is_shown_by_its_window(show: Show) -> None:
    window = {"WindowCenter": 77, "WindowWidth": 10, "VOILUTFunction": "LINEAR_EXACT"}

    image = show(np.full((3, 4), 77, dtype=np.uint16), bits=12, **window)

    assert np.unique(image.pixels_HW).tolist() == [128]
    assert image.notes == set()


def test_varied_pixels_that_show_as_one_grey_are_blank(
    show: Show, tmp_path: Path
) -> None:
    padded = {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 4095}
    with pytest.raises(ImageError, match="varied pixels that all show as 0") as caught:
        show(film(), bits=12, **padded)
    assert caught.value.reason == "blank"

    narrow = 40000 + film() % 3
    alpha = Image.merge("LA", [Image.new("L", (80, 60)), Image.new("L", (80, 60))])
    alpha.paste((0, 255), (10, 10, 20, 20))
    for image in (Image.fromarray(narrow), alpha):
        image.save(tmp_path / "film.png")
        with pytest.raises(ImageError) as caught:
            decode_image(tmp_path / "film.png", size=64)
        assert caught.value.reason == "blank"


def test_pixels_of_one_value_are_what_they_are(show: Show, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "film.png")

    assert np.unique(decode_image(tmp_path / "film.png", size=64).pixels_HW) == [76]
    assert not show(np.full((3, 4), 9, dtype=np.uint16), bits=12).pixels_HW.any()


def test_every_note_has_a_clause() -> None:
    assert all(
        clause.isascii() and not clause.endswith(".") for clause in NOTES.values()
    )
