"""RSNA as it is made, read back with plain tools and compared with its plans."""

from pathlib import Path

import cv2
import numpy as np
import pydicom

from asg_core.synthetic.layouts import rsna
from asg_core.synthetic.layouts.files import encode_jpeg, uuid_of
from asg_core.synthetic.layouts.population import frontal_images, render_image
from support.synthetic_benchmarks import rows_in, small_world

CONFIG = small_world()


def test_rsna_labels_and_classes_say_the_same(root: Path) -> None:
    labels = rows_in(root / "rsna" / "stage_2_train_labels.csv")
    classes = rows_in(root / "rsna" / "stage_2_detailed_class_info.csv")

    assert labels[0] == ["patientId", "x", "y", "width", "height", "Target"]
    assert classes[0] == ["patientId", "class"]
    assert [row[0] for row in labels] == [row[0] for row in classes]
    kinds = {"Lung Opacity": 0, "Normal": 0, "No Lung Opacity / Not Normal": 0}
    for label, (_, kind) in zip(labels[1:], classes[1:], strict=True):
        kinds[kind] += 1
        assert label[5] == ("1" if kind == "Lung Opacity" else "0")
        assert all(label[1:5]) == (kind == "Lung Opacity")
    assert all(kinds.values())
    # Two of the forty patients are in the part without labels.
    assert len({row[0] for row in labels[1:]}) == 38
    assert len(list((root / "rsna" / "stage_2_test_images").iterdir())) == 2


def test_rsna_boxes_hold_the_opacities(root: Path) -> None:
    boxes: dict[str, list[tuple[float, ...]]] = {}
    for name, *cells in rows_in(root / "rsna" / "stage_2_train_labels.csv")[1:]:
        corners = tuple(float(cell) for cell in cells[:4]) if cells[0] else ()
        boxes.setdefault(name, []).append(corners)
    paths = {
        path.stem: path for path in (root / "rsna" / "stage_2_train_images").iterdir()
    }

    names = list(boxes)
    indices = [index for index in range(40) if index % 20 != 19]
    assert set(paths) == set(names)
    for name, index in zip(names, indices, strict=True):
        patient = rsna.plan(index, CONFIG)
        place = frontal_images(patient)[0]
        radiograph = render_image(patient, place, size=64, acquisition=rsna.LOOK)
        mask = np.zeros((64, 64), bool)
        for finding in ("pneumonia", "consolidation", "infiltration", "opacity"):
            mask |= radiograph.masks.get(finding, mask)
        inside = np.zeros((64, 64), bool)
        for x, y, width, height in filter(None, boxes[name]):
            inside[int(y) : int(y + height), int(x) : int(x + width)] = True
        assert (mask & ~inside).sum() <= 0.1 * mask.sum()
        assert mask.any() or boxes[name] == [()]


def test_rsna_boxes_of_a_mask_worked_by_hand() -> None:
    mask = np.zeros((100, 100), bool)
    mask[50:70, 10:30] = True
    mask[52:60, 70:80] = True
    mask[5:7, 5:7] = True  # a speck: 4 pixels are under a thousandth of 10,000

    boxes = rsna.opacity_boxes(mask)

    assert boxes == [(10, 50, 20, 20), (70, 52, 10, 8)]
    assert rsna.opacity_boxes(np.zeros((100, 100), bool)) == []


def test_rsna_has_boxes_of_the_four_largest_opacities_only() -> None:
    mask = np.zeros((100, 100), bool)
    for number in range(6):
        mask[15 * number : 15 * number + 7, 0 : 10 + 5 * number] = True

    boxes = rsna.opacity_boxes(mask)

    assert boxes == [(0, 15 * n, 10 + 5 * n, 7) for n in (2, 3, 4, 5)]


def test_rsna_calls_a_study_normal_that_shows_nothing(root: Path) -> None:
    kinds = dict(rows_in(root / "rsna" / "stage_2_detailed_class_info.csv")[1:])

    for index in range(40):
        if index % 20 != 19:
            kind = kinds[str(uuid_of("rsna", CONFIG.seed, index))]
            is_healthy = not rsna.plan(index, CONFIG).studies[0].observations
            assert (kind == "Normal") == is_healthy


def test_rsna_images_are_8_bit_jpeg_named_by_patient_id(root: Path) -> None:
    paths = sorted((root / "rsna" / "stage_2_train_images").iterdir())
    index = next(
        index for index in range(40) if str(uuid_of("rsna", 0, index)) == paths[0].stem
    )
    patient = rsna.plan(index, CONFIG)
    place = frontal_images(patient)[0]

    image = pydicom.dcmread(paths[0])

    drawn = render_image(patient, place, size=64, acquisition=rsna.LOOK).pixels
    coded = cv2.imdecode(
        np.frombuffer(encode_jpeg(drawn), np.uint8), cv2.IMREAD_GRAYSCALE
    )
    assert image.PatientID == paths[0].stem
    assert image.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.50"
    assert image.PhotometricInterpretation == "MONOCHROME2"
    assert (image.BitsStored, image.BitsAllocated, image.HighBit) == (8, 8, 7)
    assert image.ViewPosition == patient.studies[0].views[0].value
    decoded = image.pixel_array.astype(int)
    # Two decoders may differ by rounding.
    assert np.abs(decoded - coded.astype(int)).max() <= 2
