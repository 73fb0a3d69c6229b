import numpy as np
import pytest

from asg_core.synthetic.drawing.places import make_spot


@pytest.mark.parametrize(
    ("place", "side", "sign"),
    [
        ("right lung", "right", -1),
        ("left hilar structures", "left", 1),
        ("spine", None, 0),
        ("right atrium", None, 0),  # it is in the middle, whatever its name says
    ],
)
def test_x_grows_towards_the_patients_left(
    place: str, side: str | None, sign: int
) -> None:
    outline = np.array([(-0.3, 0.1), (-0.1, 0.1), (-0.2, 0.5)])

    spot = make_spot(place, outline)

    assert (spot.side, spot.sign) == (side, sign)
    np.testing.assert_allclose(spot.centre, (-0.2, 0.3))
    np.testing.assert_allclose(spot.half, (0.1, 0.2))
