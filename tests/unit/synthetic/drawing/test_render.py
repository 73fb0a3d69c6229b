"""The renderer: boxes, sides, determinism, and refusals."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from asg_core.synthetic.drawing.acquisition import Acquisition
from asg_core.synthetic.drawing.render import Boxes, Radiograph, render_radiograph
from asg_core.synthetic.layouts import chexpert, covidx, mimic_cxr, nih, rsna, siim
from asg_core.synthetic.world.body import Body, sample_body
from asg_core.synthetic.world.world import Observation
from asg_core.terms.regions import REGIONS
from asg_core.terms.views import View

AVERAGE = replace(
    mimic_cxr.LOOK,
    max_rotation_deg=0.0,
    scale=(1.0, 1.0),
    max_shift=0.0,
    max_turn=0.0,
    collimation=0.0,
    marker=0.0,
    portable_text=0.0,
    leads=0.0,
)


def body_number(number: int) -> Body:
    return sample_body(np.random.default_rng((40, number)))


def render(
    observations: Sequence[Observation] = (),
    *,
    body: Body | None = None,
    view: View = View.PA,
    size: int = 128,
    acquisition: Acquisition = AVERAGE,
    seed: int = 0,
) -> Radiograph:
    return render_radiograph(
        observations,
        body=body or body_number(0),
        view=view,
        size=size,
        acquisition=acquisition,
        rng=np.random.default_rng(seed),
    )


@pytest.mark.parametrize("view", [View.PA, View.AP])
@pytest.mark.parametrize("aspect", [0.82, 1.0, 1.22])
def test_an_average_pose_shows_all_29_regions_inside_the_image(
    view: View, aspect: float
) -> None:
    acquisition = replace(AVERAGE, aspect_ratios=(aspect,))

    for number in range(4):
        image = render(body=body_number(number), view=view, acquisition=acquisition)

        height, width = image.pixels.shape
        assert tuple(image.boxes) == REGIONS
        for region, (x0, y0, x1, y1) in image.boxes.items():
            assert 0 <= x0 < x1 <= width, region
            assert 0 <= y0 < y1 <= height, region


def test_boxes_stay_inside_the_image_in_every_pose() -> None:
    for seed in range(12):
        image = render(body=body_number(seed), acquisition=covidx.LOOK, seed=seed)

        height, width = image.pixels.shape
        assert len(image.boxes) > 20
        for x0, y0, x1, y1 in image.boxes.values():
            assert 0 <= x0 < x1 <= width
            assert 0 <= y0 < y1 <= height


def test_regions_outside_the_frame_have_no_box() -> None:
    far_down = replace(AVERAGE, scale=(1.18, 1.18), aspect_ratios=(1.22,))
    body = replace(body_number(0), lung_bottom=0.95)

    image = render(body=body, acquisition=far_down)

    assert "left costophrenic angle" not in image.boxes
    assert "right costophrenic angle" not in image.boxes
    assert "left lung" in image.boxes


def middle_x(box: tuple[float, float, float, float]) -> float:
    return (box[0] + box[2]) / 2


@pytest.mark.parametrize("view", [View.PA, View.AP])
def test_the_patients_right_is_on_the_images_left(view: View) -> None:
    paired = [r.removeprefix("right ") for r in REGIONS if f"left {r[6:]}" in REGIONS]

    for seed in range(6):
        boxes = render(view=view, acquisition=mimic_cxr.LOOK, seed=seed).boxes

        assert len(paired) == 9
        for name in paired:
            if {f"right {name}", f"left {name}"} <= boxes.keys():
                assert middle_x(boxes[f"right {name}"]) < middle_x(
                    boxes[f"left {name}"]
                )


def test_boxes_nest_as_anatomy_does() -> None:
    boxes = render().boxes

    for side in ("right", "left"):
        x0, y0, x1, y1 = boxes[f"{side} lung"]
        tops = []
        for zone in ("upper", "mid", "lower"):
            zone_x0, zone_y0, zone_x1, zone_y1 = boxes[f"{side} {zone} lung zone"]
            assert x0 - 1e-6 <= zone_x0 < zone_x1 <= x1 + 1e-6
            assert y0 - 1e-6 <= zone_y0 < zone_y1 <= y1 + 1e-6
            tops.append(zone_y0)
        assert tops == sorted(tops)
    # The trachea ends in the carina, the svc above the right atrium.
    carina = boxes["carina"]
    assert carina[1] < boxes["trachea"][3] < carina[3]
    assert boxes["svc"][3] < boxes["right atrium"][3]
    assert boxes["mediastinum"][3] == boxes["cardiac silhouette"][3]
    assert boxes["mediastinum"][1] == boxes["upper mediastinum"][1]


@pytest.mark.parametrize("side", ["right", "left"])
def test_angles_and_hila_reach_into_the_lung_of_their_side(side: str) -> None:
    for number in range(4):
        boxes = render(body=body_number(number)).boxes
        lung, spine = boxes[f"{side} lung"], middle_x(boxes["spine"])
        angle, hilum = (
            boxes[f"{side} costophrenic angle"],
            boxes[f"{side} hilar structures"],
        )

        # The angle begins at the outer edge of the lung, and most of it is inside.
        outer = 0 if side == "right" else 2
        assert abs(angle[outer] - lung[outer]) < 0.3 * (angle[2] - angle[0])
        assert lung[0] < middle_x(angle) < lung[2]
        assert lung[1] + 0.7 * (lung[3] - lung[1]) < angle[1]
        # The hilum lies between spine and angle, on its own side.
        assert (middle_x(hilum) < spine) == (side == "right")
        assert abs(middle_x(hilum) - spine) < abs(middle_x(angle) - spine)


def test_a_marker_stands_on_the_side_that_it_names() -> None:
    letters = set()
    for seed in range(6):
        plain = render(size=200, seed=seed).pixels.astype(int)
        look = replace(AVERAGE, marker=1.0)
        marked = render(size=200, seed=seed, acquisition=look).pixels
        ink = np.abs(marked - plain) > 20
        rows = np.flatnonzero(ink.any(axis=1))
        columns = np.flatnonzero(ink.any(axis=0))
        letter = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]

        # An R has a bow in the upper right, where an L has nothing.
        is_r = letter[: letter.shape[0] // 2, letter.shape[1] * 2 // 3 :].any()
        # The patient's right is on the left of the image.
        assert is_r == (columns.mean() < plain.shape[1] / 2)
        letters.add(bool(is_r))

    assert letters == {True, False}


def test_a_pose_scales_moves_and_turns_the_chest() -> None:
    plain = render().boxes

    def posed(**changes: object) -> Boxes:
        return render(acquisition=replace(AVERAGE, **changes)).boxes  # type: ignore[arg-type]  # of several types

    def width(boxes: Boxes, region: str) -> float:
        return boxes[region][2] - boxes[region][0]

    large = posed(scale=(1.05, 1.05))
    assert width(large, "spine") == pytest.approx(1.05 * width(plain, "spine"))
    # The boxes of all regions inside the image move alike.
    moved = posed(max_shift=0.02)
    moves = {
        tuple(np.round(np.subtract(moved[region], plain[region]), 6))
        for region in ("carina", "cardiac silhouette", "left hilar structures")
    }
    ((x0, y0, x1, y1),) = moves
    assert (x0, y0) == (x1, y1)
    assert 0 < abs(x0) <= 0.02 * 128
    assert 0 < abs(y0) <= 0.02 * 128


def test_a_turn_moves_the_clavicles_against_the_spine() -> None:
    look = replace(AVERAGE, max_turn=0.05)
    inner = [
        boxes["right clavicle"][2] - middle_x(boxes["spine"])
        for acquisition in (AVERAGE, look)
        for boxes in (render(acquisition=acquisition, seed=n).boxes for n in range(4))
    ]

    moved = np.abs(np.subtract(inner[4:], inner[:4]))
    # At most 0.05 of the 143 pixels that a unit of the anatomy has here.
    assert 1 < moved.max() < 0.05 * 1.12 * 128


@pytest.mark.parametrize("view", [View.PA, View.AP, View.LATERAL])
def test_only_portable_images_show_leads(view: View) -> None:
    without = render(view=view, size=80)
    with_leads = render(view=view, size=80, acquisition=replace(AVERAGE, leads=1.0))

    is_same = np.array_equal(without.pixels, with_leads.pixels)
    assert is_same == (view is not View.AP)


def test_a_lung_is_darker_than_what_surrounds_it() -> None:
    for seed in range(4):
        image = render(body=body_number(seed), seed=seed)

        x0, y0, x1, y1 = (round(v) for v in image.boxes["left mid lung zone"])
        lung = image.pixels[y0:y1, (x0 + 2 * x1) // 3 : x1 - 4].mean()
        x0, y0, x1, y1 = (round(v) for v in image.boxes["abdomen"])
        abdomen = image.pixels[(y0 + 2 * y1) // 3 : y1, x0 + 8 : x1 - 8].mean()
        assert lung + 60 < abdomen


def test_the_same_generator_gives_the_same_bytes() -> None:
    shown = Observation(
        finding="opacity",
        places=("left mid lung zone",),
        severity=0.7,
        is_certain=True,
        change=None,
    )

    for view in (View.PA, View.AP, View.LATERAL):
        first = render([shown], view=view, acquisition=covidx.LOOK, seed=3)
        second = render([shown], view=view, acquisition=covidx.LOOK, seed=3)
        other = render([shown], view=view, acquisition=covidx.LOOK, seed=4)

        assert first.pixels.tobytes() == second.pixels.tobytes()
        assert first.boxes == second.boxes
        assert first.masks["opacity"].tobytes() == second.masks["opacity"].tobytes()
        assert first.pixels.tobytes() != other.pixels.tobytes()


def test_a_body_is_the_same_for_the_same_generator_and_differs_between_patients() -> (
    None
):
    assert body_number(1) == body_number(1)
    assert body_number(1) != body_number(2)


def test_the_longest_side_is_the_size() -> None:
    for aspect, expected in ((0.5, (100, 50)), (1.0, (100, 100)), (1.25, (80, 100))):
        acquisition = replace(AVERAGE, aspect_ratios=(aspect,))

        image = render(size=100, acquisition=acquisition)

        assert image.pixels.shape == expected
        assert image.pixels.dtype == np.uint8


def test_boxes_scale_with_the_image() -> None:
    acquisition = replace(AVERAGE, aspect_ratios=(1.0,))

    small = render(size=100, acquisition=acquisition).boxes
    large = render(size=200, acquisition=acquisition).boxes

    for region in REGIONS:
        np.testing.assert_allclose(
            2 * np.array(small[region]), large[region], atol=1e-6
        )


def test_a_lateral_image_has_pixels_and_no_boxes() -> None:
    image = render(view=View.LATERAL)

    assert image.boxes == {}
    assert image.masks == {}
    assert image.pixels.std() > 25


def test_populations_look_different() -> None:
    layouts = (mimic_cxr, nih, chexpert, rsna, covidx, siim)
    looks = [layout.LOOK for layout in layouts]

    assert len(set(looks)) == 6
    roughness = {}
    for name, look in (("corpus", mimic_cxr.LOOK), ("nih", nih.LOOK)):
        images = [render(acquisition=look, seed=seed, size=160) for seed in range(6)]
        contrasts = [np.subtract(*np.percentile(i.pixels, [90, 10])) for i in images]
        roughness[name] = float(np.mean(contrasts))
    assert roughness["nih"] < roughness["corpus"]


def test_an_ap_heart_is_wider_for_its_chest() -> None:
    ratios = {}
    for view in (View.PA, View.AP):
        boxes = render(view=view).boxes
        heart = boxes["cardiac silhouette"]
        ratios[view] = (heart[2] - heart[0]) / (
            boxes["left lung"][2] - boxes["right lung"][0]
        )

    assert 0.36 < ratios[View.PA] < 0.52
    assert ratios[View.PA] < ratios[View.AP]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"view": View.OTHER}, "expected view PA, AP or LATERAL, found 'OTHER'"),
        ({"size": 20}, "expected size >= 64 pixels, found 20"),
    ],
)
def test_what_has_no_drawing_is_refused(
    changed: dict[str, View | int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        render_radiograph(
            (),
            **{  # type: ignore[arg-type]  # the point is to vary one argument
                "body": body_number(0),
                "view": View.PA,
                "size": 128,
                "acquisition": AVERAGE,
                "rng": np.random.default_rng(0),
            }
            | changed,
        )
