"""Every finding is drawn in its place, on its side, and grows with its severity."""

from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from asg_core.synthetic.drawing.render import Radiograph, render_radiograph
from asg_core.synthetic.layouts import mimic_cxr
from asg_core.synthetic.world.body import sample_body
from asg_core.synthetic.world.world import GROUND_GLASS, Observation, finding_priors
from asg_core.terms.regions import REGIONS, mirrored, side_of
from asg_core.terms.views import View

LOOK = replace(mimic_cxr.LOOK, leads=0.0, max_shift=0.03, aspect_ratios=(1.0,))

CASES: tuple[tuple[str, tuple[str, ...]], ...] = (
    *((prior.finding, places) for prior in finding_priors() for places in prior.places),
    *(
        (prior.companion, places)
        for prior in finding_priors()
        if prior.companion is not None
        for places in prior.companion_places
    ),
    (GROUND_GLASS, ("right lung", "left lung")),
)

AREAS = {
    "pleural effusion",
    "opacity",
    "pneumothorax",
    "edema",
    "atelectasis",
    "consolidation",
    "pneumonia",
    "infiltration",
    "nodule",
    "mass",
    GROUND_GLASS,
}


def shown(
    finding: str, places: tuple[str, ...], *, severity: float, is_certain: bool = True
) -> Observation:
    return Observation(
        finding=finding,
        places=places,
        severity=severity,
        is_certain=is_certain,
        change=None,
    )


@cache
def rendered(
    observation: Observation | None, *, seed: int, view: View = View.PA
) -> Radiograph:
    return render_radiograph(
        () if observation is None else (observation,),
        body=sample_body(np.random.default_rng((41, seed))),
        view=view,
        size=160,
        acquisition=LOOK,
        rng=np.random.default_rng(seed),
    )


def effect(
    observation: Observation, *, seed: int, view: View = View.PA
) -> npt.NDArray[np.float64]:
    """Return how much each pixel differs from the same image without the finding."""
    with_it = rendered(observation, seed=seed, view=view).pixels.astype(float)
    return np.asarray(np.abs(with_it - rendered(None, seed=seed, view=view).pixels))


def is_in_places(image: Radiograph, places: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    """Return True in the boxes of the places; unboxed ones are half of the image."""
    area = np.zeros(image.pixels.shape, bool)
    middle = round((image.boxes["spine"][0] + image.boxes["spine"][2]) / 2)
    for place in places:
        if place in image.boxes:
            x0, y0, x1, y1 = image.boxes[place]
            area[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))] = True
        elif place not in REGIONS:
            is_right = side_of(place) == "right"
            area[:, slice(0, middle) if is_right else slice(middle, None)] = True
    return area


@pytest.mark.parametrize(("finding", "places"), CASES)
def test_a_finding_is_drawn_in_its_places(
    finding: str, places: tuple[str, ...]
) -> None:
    for view, seed in ((View.PA, 1), (View.AP, 2)):
        observation = shown(finding, places, severity=0.8)

        difference = effect(observation, seed=seed, view=view)

        area = is_in_places(rendered(observation, seed=seed, view=view), places)
        assert difference[area].mean() > 1.5 * difference[~area].mean()
        # Some pixels must change by more than noise does.
        assert (difference[area] > 12).sum() >= 6


@pytest.mark.parametrize(("finding", "places"), CASES)
def test_a_finding_grows_with_its_severity(
    finding: str, places: tuple[str, ...]
) -> None:
    sums = [
        sum(
            effect(shown(finding, places, severity=severity), seed=seed).sum()
            for seed in (1, 3)
        )
        for severity in (0.4, 0.8)
    ]

    assert 0 < 1.1 * sums[0] < sums[1]


def test_an_uncertain_finding_is_drawn_faintly() -> None:
    certain = shown("opacity", ("left mid lung zone",), severity=0.8)
    hedged = shown("opacity", ("left mid lung zone",), severity=0.8, is_certain=False)

    faint = effect(hedged, seed=1).sum()

    assert 0 < faint < 0.95 * effect(certain, seed=1).sum()


@pytest.mark.parametrize(
    ("finding", "place"),
    [
        (finding, places[0])
        for finding, places in CASES
        if len(places) == 1 and side_of(places[0]) and places[0] != "right atrium"
    ],
)
def test_a_mirrored_finding_is_on_the_other_side(finding: str, place: str) -> None:
    for side in (place, mirrored(place)):
        observation = shown(finding, (side,), severity=0.8)

        difference = effect(observation, seed=1)

        middle = round(sum(rendered(observation, seed=1).boxes["spine"][::2]) / 2)
        on_right, on_left = difference[:, :middle].sum(), difference[:, middle:].sum()
        assert (on_right > on_left) == (side_of(side) == "right")


@pytest.mark.parametrize(("finding", "places"), CASES)
def test_areas_have_masks_that_meet_their_places(
    finding: str, places: tuple[str, ...]
) -> None:
    image = rendered(shown(finding, places, severity=0.8), seed=1)

    assert set(image.masks) == ({finding} & AREAS)
    for mask in image.masks.values():
        assert mask.shape == image.pixels.shape
        assert mask.dtype == np.bool_
        for place in places:
            overlap = mask & is_in_places(image, (place,))
            assert overlap.sum() >= 12
        assert mask.mean() < 0.6


@pytest.mark.parametrize(("finding", "places"), CASES)
def test_a_lateral_image_shows_the_finding_too(
    finding: str, places: tuple[str, ...]
) -> None:
    observation = shown(finding, places, severity=0.9)

    difference = effect(observation, seed=1, view=View.LATERAL)

    assert rendered(observation, seed=1, view=View.LATERAL).boxes == {}
    if finding == "shift":
        # A shift to one side is not visible from the side.
        assert difference.max() == 0
    else:
        assert (difference > 12).sum() >= 4


def test_masks_of_one_finding_in_two_places_are_joined() -> None:
    both = rendered(
        shown(
            "opacity", ("right lower lung zone", "left lower lung zone"), severity=0.8
        ),
        seed=1,
    ).masks["opacity"]

    right = rendered(
        shown("opacity", ("right lower lung zone",), severity=0.8), seed=1
    ).masks["opacity"]
    assert (right & both).sum() > 0.9 * right.sum()
    assert both.sum() > 1.3 * right.sum()


def test_the_heart_box_grows_with_cardiomegaly() -> None:
    normal = rendered(None, seed=1).boxes["cardiac silhouette"]

    widths = [
        np.subtract(
            *rendered(
                shown("cardiomegaly", ("cardiac silhouette",), severity=severity),
                seed=1,
            ).boxes["cardiac silhouette"][2::-2]
        )
        for severity in (0.3, 1.0)
    ]

    assert normal[2] - normal[0] < widths[0] < widths[1]


def test_a_finding_without_a_drawing_is_refused() -> None:
    with pytest.raises(ValueError, match="found 'stent'; add a drawing to"):
        rendered(shown("stent", ("abdomen",), severity=0.5), seed=1)


def test_a_place_without_a_drawing_is_refused() -> None:
    with pytest.raises(ValueError, match="drawn for 'opacity', found 'unspecified'"):
        rendered(shown("opacity", ("unspecified",), severity=0.5), seed=1)
    with pytest.raises(ValueError, match="ribs or a clavicle, found 'spine'"):
        rendered(shown("fracture", ("spine",), severity=0.5), seed=1)
