import numpy as np

from asg_core.synthetic.layouts.files import components, extent_of


def test_components_are_told_apart_by_area() -> None:
    mask = np.zeros((6, 6), bool)
    mask[0, 0] = True
    mask[3:5, 2:5] = True

    assert len(components(mask, min_area=1)) == 2
    assert [int(part.sum()) for part in components(mask, min_area=2)] == [6]


def test_the_extent_of_a_mask_is_x_y_width_height() -> None:
    mask = np.zeros((9, 20), bool)
    mask[2:5, 11:18] = True

    assert extent_of(mask) == (11, 2, 7, 3)
