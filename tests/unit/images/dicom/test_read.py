from collections.abc import Callable
from io import BytesIO

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.pixels.processing import apply_voi_lut
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    RLELossless,
)

from asg_core.images.dicom.read import decode_dicom
from asg_core.images.errors import ImageError
from asg_core.images.geometry import Pixels
from asg_core.sources.reading.image_kind import is_dicom

MakeDicom = Callable[..., bytes]
Stored = npt.NDArray[np.uint16]


def twelve_bit(*values: int) -> Stored:
    return np.array([values], dtype=np.uint16)


def pixels_of(data: bytes) -> Pixels:
    return decode_dicom(data, where="x").pixels_HW


def test_a_window_maps_its_range_to_black_and_white(make_dicom: MakeDicom) -> None:
    stored = twelve_bit(0, 1000, 1500, 2000, 4095)
    data = make_dicom(stored, bits=12, WindowCenter=1500.5, WindowWidth=1001)

    # Linear: (x - (c - 0.5)) / (w - 1) + 0.5, so 1000 is black and 2000 is white.
    assert pixels_of(data).tolist() == [[0, 0, 128, 255, 255]]


def test_a_window_need_not_fill_the_range(make_dicom: MakeDicom) -> None:
    stored = twelve_bit(0, 4095)
    data = make_dicom(stored, bits=12, WindowCenter=2048, WindowWidth=8191)

    # (0 - 2047.5) / 8190 + 0.5 = 0.25, (4095 - 2047.5) / 8190 + 0.5 = 0.75
    assert pixels_of(data).tolist() == [[64, 191]]


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_windows_agree_with_pydicom(make_dicom: MakeDicom, function: str) -> None:
    stored = np.arange(0, 4096, 7, dtype=np.uint16).reshape(1, -1)
    window = {"WindowCenter": 1800, "WindowWidth": 900, "VOILUTFunction": function}
    data = make_dicom(stored, bits=12, **window)

    # pydicom answers in 0 .. 2^BitsStored - 1, here 4095.
    expected = apply_voi_lut(stored, pydicom.dcmread(BytesIO(data))) / 4095 * 255
    np.testing.assert_allclose(pixels_of(data), expected, atol=0.51)


def test_of_several_windows_the_first_counts(make_dicom: MakeDicom) -> None:
    stored = twelve_bit(99, 100, 200)
    windows = {"WindowCenter": [100.5, 2000], "WindowWidth": [1, 4000]}

    # A width of 1 is a step at c - 0.5.
    data = make_dicom(stored, bits=12, **windows)
    assert pixels_of(data).tolist() == [[0, 0, 255]]


def test_the_window_applies_to_rescaled_values(make_dicom: MakeDicom) -> None:
    stored = twelve_bit(0, 100, 200)
    rescale = {"RescaleSlope": -2, "RescaleIntercept": 400}
    window = {"WindowCenter": 200, "WindowWidth": 400, "VOILUTFunction": "LINEAR_EXACT"}

    # 400, 200, 0 after the rescale: white, half, black.
    data = make_dicom(stored, bits=12, **rescale, **window)
    assert pixels_of(data).tolist() == [[255, 128, 0]]


@pytest.mark.parametrize(
    "elements",
    [
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"PresentationLUTShape": "INVERSE"},
        {
            "PhotometricInterpretation": "MONOCHROME1",
            "PresentationLUTShape": "INVERSE",
        },
    ],
)
def test_an_inverse_image_is_turned_round_once(
    make_dicom: MakeDicom, elements: dict[str, str]
) -> None:
    stored = np.array([[0, 55, 255]], dtype=np.uint8)

    data = make_dicom(stored, bits=8, **elements)

    assert pixels_of(data).tolist() == [[255, 200, 0]]


def test_eight_bits_without_a_window_stay_as_they_are(make_dicom: MakeDicom) -> None:
    stored = np.array([[7, 9], [100, 101]], dtype=np.uint8)

    data = make_dicom(stored, bits=8)

    assert pixels_of(data).tolist() == stored.tolist()


def test_eight_bits_in_words_of_16_stay_as_they_are_too(make_dicom: MakeDicom) -> None:
    stored = np.array([[7, 9], [100, 101]], dtype=np.uint16)

    data = make_dicom(stored, bits=8)

    assert pixels_of(data).tolist() == stored.tolist()


def test_signed_pixels_of_eight_bits_span_their_own_range(
    make_dicom: MakeDicom,
) -> None:
    stored = np.array([[-128, 0, 72, 127]], dtype=np.int8)

    data = make_dicom(stored, bits=8)

    assert pixels_of(data).tolist() == [[0, 128, 200, 255]]


def test_deep_pixels_without_a_window_are_stretched(make_dicom: MakeDicom) -> None:
    # 1,000 pixels: 0.5 % are the five lowest and the five highest.
    stored = np.arange(2000, 3000, dtype=np.uint16).reshape(20, 50)
    stored[0, :4] = 0
    stored[19, 49] = 65535

    grey = pixels_of(make_dicom(stored, bits=16))

    # Sorted, the pixel after the first 5 holds 2005, the one at 99.5 % 2994.
    assert grey[0, 5] == 0
    assert grey[10, 0] == round(255 * (2500 - 2005) / (2994 - 2005))
    assert grey[19, 44] == 255
    assert grey[0, 0] == 0
    assert grey[19, 49] == 255


def test_half_a_percent_at_each_end_is_all_black_or_all_white(
    make_dicom: MakeDicom,
) -> None:
    # Of 1,000 pixels the 5 lowest and the 5 highest have no say in what is black or white.
    values = [0] * 5 + [1000] * 495 + [2000] * 495 + [3000] * 5

    grey = pixels_of(make_dicom(np.array([values], dtype=np.uint16), bits=12))

    assert grey[0, [0, 5, 500, 999]].tolist() == [0, 0, 255, 255]


def test_a_window_of_no_width_is_no_window(make_dicom: MakeDicom) -> None:
    stored = np.array([[3, 250]], dtype=np.uint8)

    data = make_dicom(stored, bits=8, WindowCenter=0, WindowWidth=0)

    assert pixels_of(data).tolist() == [[3, 250]]


def test_one_value_everywhere_is_black(make_dicom: MakeDicom) -> None:
    data = make_dicom(np.full((3, 4), 77, dtype=np.uint16), bits=12)

    assert pixels_of(data).tolist() == [[0] * 4] * 3


def test_nearly_one_value_is_stretched_to_what_there_is(make_dicom: MakeDicom) -> None:
    stored = np.full((50, 50), 100, dtype=np.uint16)
    stored[0, 0], stored[0, 1] = 300, 200

    grey = pixels_of(make_dicom(stored, bits=12))

    assert grey[0, :3].tolist() == [255, 128, 0]


def test_signed_pixels_are_signed(make_dicom: MakeDicom) -> None:
    stored = np.array([[-1000, 0, 1000]], dtype=np.int16)
    window = {"WindowCenter": 0, "WindowWidth": 2000, "VOILUTFunction": "LINEAR_EXACT"}

    data = make_dicom(stored, bits=12, **window)

    assert pixels_of(data).tolist() == [[0, 128, 255]]


def test_padding_is_black_and_counts_for_nothing(make_dicom: MakeDicom) -> None:
    stored = np.array([[0, 0, 0, 0, 1000, 2000, 3000]], dtype=np.uint16)

    plain = make_dicom(stored, bits=12, PhotometricInterpretation="MONOCHROME1")
    padded = make_dicom(
        stored,
        bits=12,
        PhotometricInterpretation="MONOCHROME1",
        PixelPaddingValue=0,
        PixelPaddingRangeLimit=10,
    )

    assert pixels_of(plain).tolist() == [[255] * 4 + [170, 85, 0]]
    assert pixels_of(padded).tolist() == [[0] * 4 + [255, 128, 0]]


@pytest.mark.parametrize("ends", [(0, 10), (10, 0)])
def test_padding_reaches_to_its_limit(
    make_dicom: MakeDicom, ends: tuple[int, int]
) -> None:
    stored = np.array([[0, 4, 10, 11, 1011, 2011]], dtype=np.uint16)
    value, limit = ends
    elements = {"PixelPaddingValue": value, "PixelPaddingRangeLimit": limit}

    data = make_dicom(
        stored, bits=12, PhotometricInterpretation="MONOCHROME1", **elements
    )

    # Of 0, 4 and 10 none is white, as the darkest of an inverse image would be.
    assert pixels_of(data).tolist() == [[0, 0, 0, 255, 128, 0]]


def test_nothing_but_padding_is_black(make_dicom: MakeDicom) -> None:
    stored = np.full((2, 2), 5, dtype=np.uint16)

    data = make_dicom(stored, bits=12, PixelPaddingValue=5)

    assert not pixels_of(data).any()


def lut(
    first: int, bits: int, entries: list[int], *, vr: str = "US"
) -> pydicom.Sequence:
    item = pydicom.Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    packed = np.array(entries, dtype="u1" if bits == 8 else "<u2").tobytes()
    item.add_new("LUTData", vr, packed if vr == "OW" else entries)
    return pydicom.Sequence([item])


@pytest.mark.parametrize("vr", ["US", "OW"])
def test_a_voi_lut_counts_before_a_window(make_dicom: MakeDicom, vr: str) -> None:
    stored = twelve_bit(0, 100, 101, 102, 103, 4000)
    table = lut(100, 10, [0, 341, 682, 1023], vr=vr)
    data = make_dicom(
        stored, bits=12, VOILUTSequence=table, WindowCenter=1, WindowWidth=2
    )

    # Inputs below the first mapped value take the first entry, those above the last.
    assert pixels_of(data).tolist() == [[0, 0, 85, 170, 255, 255]]


def test_the_words_of_a_lut_have_the_byte_order_of_the_file(
    make_dicom: MakeDicom,
) -> None:
    stored = np.array([[0, 1, 2, 3]], dtype=">u2")
    table = lut(0, 10, [0, 341, 682, 1023])
    entries = np.array([0, 341, 682, 1023], dtype=">u2").tobytes()
    table[0].add_new("LUTData", "OW", entries)

    data = make_dicom(stored, bits=12, syntax=ExplicitVRBigEndian, VOILUTSequence=table)

    assert pixels_of(data).tolist() == [[0, 85, 170, 255]]


def test_a_lut_of_65536_entries_says_that_it_has_none(make_dicom: MakeDicom) -> None:
    table = lut(0, 16, [])
    table[0].add_new("LUTData", "OW", np.arange(65536, dtype="<u2").tobytes())

    film = decode_dicom(
        make_dicom(twelve_bit(0, 32768, 65535), bits=16, VOILUTSequence=table),
        where="x",
    )

    assert film.pixels_HW.tolist() == [[0, 128, 255]]
    assert film.notes == frozenset()


def test_a_lut_with_negative_entries_is_left_out(make_dicom: MakeDicom) -> None:
    table = lut(0, 10, [0, 1, 2])
    table[0].add_new("LUTData", "SS", [0, -1, 5])

    film = decode_dicom(
        make_dicom(twelve_bit(0, 1), bits=12, VOILUTSequence=table), where="x"
    )

    assert film.pixels_HW.tolist() == [[0, 255]]
    assert film.notes == {"voi_lut_unusable"}


def test_padding_that_is_no_number_is_left_out(make_dicom: MakeDicom) -> None:
    dataset = pydicom.dcmread(BytesIO(make_dicom(twelve_bit(0, 9), bits=12)))
    dataset.add_new("PixelPaddingValue", "LO", "none")
    file = BytesIO()
    dataset.save_as(file)

    film = decode_dicom(file.getvalue(), where="x")

    assert film.pixels_HW.tolist() == [[0, 255]]
    assert film.notes == {"padding_unusable"}


def test_a_voi_lut_of_8_bits_takes_inputs_of_more(make_dicom: MakeDicom) -> None:
    table = lut(0, 8, [min(255, value // 2) for value in range(512)], vr="OW")
    data = make_dicom(twelve_bit(100, 400, 600), bits=12, VOILUTSequence=table)

    assert pixels_of(data).tolist() == [[50, 200, 255]]


def test_a_modality_lut_comes_before_the_window(make_dicom: MakeDicom) -> None:
    table = lut(0, 16, [0, 500, 1000])
    window = {"WindowCenter": 500, "WindowWidth": 1000}
    data = make_dicom(
        twelve_bit(0, 1, 2),
        bits=12,
        ModalityLUTSequence=table,
        VOILUTFunction="LINEAR_EXACT",
        **window,
    )

    assert pixels_of(data).tolist() == [[0, 128, 255]]


def test_a_table_that_is_too_short_is_left_out(make_dicom: MakeDicom) -> None:
    table = lut(0, 10, [0, 1, 2])
    table[0].LUTDescriptor = [9, 0, 10]

    film = decode_dicom(
        make_dicom(twelve_bit(0, 1), bits=12, VOILUTSequence=table), where="x"
    )

    assert film.pixels_HW.tolist() == [[0, 255]]
    assert film.notes == {"voi_lut_unusable"}


def test_colours_become_luma(make_dicom: MakeDicom) -> None:
    stored = np.array([[[255, 0, 0], [0, 255, 0], [10, 10, 10]]], dtype=np.uint8)

    rgb = make_dicom(stored, bits=8)
    ybr = make_dicom(
        np.array([[[76, 85, 255], [10, 128, 128]]], dtype=np.uint8),
        bits=8,
        PhotometricInterpretation="YBR_FULL",
    )

    # 0.299 * 255, 0.587 * 255; (76, 85, 255) is red in YBR.
    assert pixels_of(rgb).tolist() == [[76, 150, 10]]
    np.testing.assert_allclose(pixels_of(ybr), [[76, 10]], atol=1)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_compressed_pixels_are_those_of_the_plain_file(
    make_dicom: MakeDicom, syntax: UID
) -> None:
    stored = np.arange(80 * 50, dtype=np.uint16).reshape(80, 50)
    plain = make_dicom(stored, bits=12, WindowCenter=2000, WindowWidth=3600)
    dataset = pydicom.dcmread(BytesIO(plain))
    dataset.compress(syntax, generate_instance_uid=False)
    compressed = BytesIO()
    dataset.save_as(compressed)

    actual = pixels_of(compressed.getvalue())

    np.testing.assert_array_equal(actual, pixels_of(plain))


def test_lossless_jpeg_is_decoded(make_dicom: MakeDicom) -> None:
    rng = np.random.default_rng(0)
    stored = rng.integers(0, 4096, (16, 24)).astype(np.uint16)
    window = {"WindowCenter": 2048, "WindowWidth": 4096}
    data = make_dicom(
        stored,
        bits=12,
        syntax=JPEGLosslessSV1,
        pixel_data=encapsulate([lossless_jpeg(stored, bits=12)]),
        **window,
    )

    actual = pixels_of(data)

    plain = make_dicom(stored, bits=12, **window)
    np.testing.assert_array_equal(actual, pixels_of(plain))


def lossless_jpeg(image: Stored, *, bits: int) -> bytes:
    """Encode with process 14, first-order prediction: ITU-T T.81, annex H."""
    rows, columns = image.shape
    frame = [bits, rows >> 8, rows & 255, columns >> 8, columns & 255, 1, 1, 0x11, 0]
    # 17 categories of differences, all with codes of 5 bits: category n is code n.
    table = [0x00, 0, 0, 0, 0, 17, *[0] * 11, *range(17)]
    scan = [1, 1, 0x00, 1, 0, 0]
    codes = []
    for y in range(rows):
        for x in range(columns):
            if x:
                predicted = int(image[y, x - 1])
            else:
                predicted = int(image[y - 1, 0]) if y else 1 << (bits - 1)
            difference = int(image[y, x]) - predicted
            length = abs(difference).bit_length()
            codes.append(f"{length:05b}")
            if length:
                shifted = difference + (difference < 0) * ((1 << length) - 1)
                codes.append(f"{shifted:0{length}b}")
    text = "".join(codes)
    text += "1" * (-len(text) % 8)
    coded = int(text, 2).to_bytes(len(text) // 8, "big")
    parts = [b"\xff\xd8", segment(0xC3, frame), segment(0xC4, table)]
    parts += [segment(0xDA, scan), coded.replace(b"\xff", b"\xff\x00"), b"\xff\xd9"]
    return b"".join(parts)


def segment(marker: int, content: list[int]) -> bytes:
    length = len(content) + 2
    return bytes([0xFF, marker, length >> 8, length & 255, *content])


def test_files_without_a_header_are_told_by_content_or_name(
    make_dicom: MakeDicom,
) -> None:
    stored = np.array([[1, 2], [3, 4]], dtype=np.uint8)

    data = make_dicom(stored, bits=8, has_header=False)

    other = b"\x10\0" + data[2:]  # begins with another group than most

    assert is_dicom(data, suffix=".png")
    assert all(is_dicom(other, suffix=name) for name in (".DCM", ".dicom", ".IMA"))
    assert not is_dicom(other, suffix=".png")
    assert not is_dicom(b"a page of text", suffix=".DCM")
    assert not is_dicom(b"", suffix=".dcm")
    assert pixels_of(data).tolist() == stored.tolist()


def failure(data: bytes) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode_dicom(data, where="a/b.dcm")
    return caught.value


def test_several_frames_are_refused(make_dicom: MakeDicom) -> None:
    stored = np.zeros((4, 3), dtype=np.uint8)

    error = failure(make_dicom(stored, bits=8, Rows=2, NumberOfFrames=2))

    assert error.reason == "multi_frame"
    assert str(error) == "a/b.dcm: expected one image, found 2 frames in one file"
    assert error.sentence == "expected one image, found 2 frames in one file"


def test_missing_pixels_are_a_truncated_file(make_dicom: MakeDicom) -> None:
    data = make_dicom(np.zeros((40, 30), dtype=np.uint8), bits=8)

    short, header_only = failure(data[:-200]), failure(data[:-1205])

    assert short.reason == header_only.reason == "truncated"
    assert "less than expected (1000 vs 1200 bytes)" in str(short)
    assert "found the end of the file" in str(header_only)


@pytest.mark.filterwarnings("ignore:End of file reached:UserWarning")
def test_a_compressed_file_that_breaks_off_is_truncated(make_dicom: MakeDicom) -> None:
    stored = np.arange(1200, dtype=np.uint16).reshape(40, 30)
    pixel_data = encapsulate([lossless_jpeg(stored, bits=12)])
    data = make_dicom(stored, bits=12, syntax=JPEGLosslessSV1, pixel_data=pixel_data)

    assert failure(data[:-600]).reason == "truncated"


def test_kinds_that_are_no_radiograph_are_refused(make_dicom: MakeDicom) -> None:
    wide = np.zeros((2, 2), dtype=np.uint32)
    palette = make_dicom(
        np.zeros((2, 2), dtype=np.uint8),
        bits=8,
        PhotometricInterpretation="PALETTE COLOR",
    )

    assert "found 'MONOCHROME2' of 32 bits" in str(failure(make_dicom(wide, bits=32)))
    assert "found 'PALETTE COLOR' of 8 bits" in str(failure(palette))
    assert failure(palette).reason == "unsupported"
    deep = make_dicom(np.zeros((2, 2, 3), dtype=np.uint16), bits=16)
    assert "found 'RGB' of 16 bits and 3 samples" in str(failure(deep))


def test_a_header_that_asks_for_too_much_memory_is_refused(
    make_dicom: MakeDicom,
) -> None:
    pixels = np.zeros((2, 2), dtype=np.uint8)

    error = failure(make_dicom(pixels, bits=8, Rows=60000, Columns=60000))

    assert error.reason == "too_large"
    assert "3600000000 pixels" in str(error)


def test_an_unknown_compression_names_itself(make_dicom: MakeDicom) -> None:
    mpeg = UID("1.2.840.10008.1.2.4.100")
    pixel_data = encapsulate([b"\0" * 8])

    error = failure(
        make_dicom(
            np.zeros((2, 2), dtype=np.uint8), bits=8, syntax=mpeg, pixel_data=pixel_data
        )
    )

    assert error.reason == "no_decoder"
    assert "found 'MPEG2 Main Profile / Main Level'" in str(error)


def test_text_under_a_dicom_name_is_no_image() -> None:
    assert failure(b"not an image at all\n" * 20).reason == "not_an_image"


def test_dicom_without_pixels_is_empty(make_dicom: MakeDicom) -> None:
    dataset = pydicom.dcmread(
        BytesIO(make_dicom(np.zeros((2, 2), dtype=np.uint8), bits=8))
    )
    del dataset.PixelData, dataset.Rows, dataset.Columns
    file = BytesIO()
    dataset.save_as(file)

    assert failure(file.getvalue()).reason == "empty"
