import numpy as np

from asg_core.synthetic.layouts.files import components


def test_components_are_told_apart_by_area() -> None:
    mask = np.zeros((6, 6), bool)
    mask[0, 0] = True
    mask[3:5, 2:5] = True

    assert len(components(mask, min_area=1)) == 2
    assert [int(part.sum()) for part in components(mask, min_area=2)] == [6]
