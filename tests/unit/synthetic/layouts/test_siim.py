"""SIIM as it is made, read back with plain tools and compared with its plans."""

import csv
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom

from asg_core.synthetic.layouts import siim
from asg_core.synthetic.layouts.population import frontal_images, render_image
from support.synthetic_benchmarks import small_world

CONFIG = small_world()


def decode_runs(text: str, *, height: int, width: int) -> npt.NDArray[np.bool_]:
    """Walk along the columns as the benchmark describes its run lengths."""
    flat = [False] * (height * width)
    numbers = [int(number) for number in text.split()]
    position = 0
    for gap, length in zip(numbers[::2], numbers[1::2], strict=True):
        position += gap
        for offset in range(length):
            flat[position + offset] = True
        position += length
    return np.array(flat).reshape(width, height).T


def test_siim_runs_decode_to_the_mask(root: Path) -> None:
    path = root / "siim" / "train-rle.csv"
    text = path.read_text()
    runs: dict[str, list[str]] = {}
    for image_id, encoded in csv.reader(io.StringIO(text.partition("\n")[2])):
        runs.setdefault(image_id, []).append(encoded)
    files = {
        file.stem: file
        for file in (root / "siim" / "dicom-images-train").glob("*/*/*.dcm")
    }

    assert text.startswith("ImageId, EncodedPixels\n")
    assert set(files) == set(runs)
    assert len(runs) == 24
    num_rows = []
    for index, rows in enumerate(runs.values()):
        patient = siim.plan(index, CONFIG)
        place = frontal_images(patient)[0]
        radiograph = render_image(patient, place, size=64, acquisition=siim.LOOK)
        expected = radiograph.masks.get("pneumothorax", np.zeros((64, 64), bool))
        decoded = np.zeros((64, 64), bool)
        for encoded in rows:
            if encoded != "-1":
                decoded |= decode_runs(encoded, height=64, width=64)
        np.testing.assert_array_equal(decoded, expected)
        assert (rows == ["-1"]) == (not expected.any())
        num_rows.append(len(rows))
    assert max(num_rows) > 1


def test_siim_files_say_where_they_lie(root: Path) -> None:
    path = sorted((root / "siim" / "dicom-images-train").glob("*/*/*.dcm"))[0]

    image = pydicom.dcmread(path)

    assert image.SOPInstanceUID == path.stem
    assert image.SeriesInstanceUID == path.parent.name
    assert image.StudyInstanceUID == path.parent.parent.name
    assert image.file_meta.MediaStorageSOPInstanceUID == path.stem
    assert image.Modality == "CR"
    assert image.pixel_array.shape == (64, 64)
    assert image.pixel_array.dtype == np.uint8


def test_runs_of_a_mask_worked_by_hand() -> None:
    # Down the columns: 0 1 0, 1 1 0, 0 0 1.
    mask = np.array([[0, 1, 0], [1, 1, 0], [0, 0, 1]], bool)

    encoded = siim.encode_runs(mask)

    # Skip 1, take 1; skip 1, take 2; skip 3, take 1.
    assert encoded == "1 1 1 2 3 1"
    np.testing.assert_array_equal(decode_runs(encoded, height=3, width=3), mask)


def test_pieces_of_a_mask_are_disjoint_and_complete() -> None:
    mask = np.zeros((12, 12), bool)
    mask[2:10, 3:5] = True
    mask[11, 11] = True

    drawn = [
        siim.annotated_pieces(mask, rng=np.random.default_rng(seed))
        for seed in range(40)
    ]

    for pieces in drawn:
        np.testing.assert_array_equal(np.sum(pieces, axis=0), mask)
    counts = [len(pieces) for pieces in drawn]
    assert set(counts) == {1, 2}
    assert counts.count(1) > counts.count(2)
    two = next(pieces for pieces in drawn if len(pieces) == 2)
    # Of the nine rows with a pixel the fifth, row 6, begins the lower piece.
    assert np.flatnonzero(two[0].any(axis=1)).tolist() == [2, 3, 4, 5]
    assert np.flatnonzero(two[1].any(axis=1)).tolist() == [6, 7, 8, 9, 11]
