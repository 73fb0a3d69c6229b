import math

import pytest

from asg_core.learning.schedule import WarmupCosine


def test_the_rate_by_hand() -> None:
    schedule = WarmupCosine(peak=8.0, low=2.0, final=4.0, rise=(-1, 2), fall=(4, 8))

    rates = [schedule.rate(step) for step in range(10)]

    # A third of the way from 2 to 8 a step, the peak from step 2 to 4, then 4 + 4 * the
    # wave 1/2 (1 + cos) at 1/4, 1/2, 3/4 and 1, and 4 for ever.
    quarter = math.cos(math.pi / 4)
    falling = [6 + 2 * quarter, 6, 6 - 2 * quarter, 4, 4]
    assert rates == pytest.approx([4, 6, 8, 8, 8, *falling], rel=1e-12)


@pytest.mark.parametrize("rise", [(0, 0), (-1, 0)])
def test_without_a_rise_the_first_step_has_the_peak(rise: tuple[int, int]) -> None:
    schedule = WarmupCosine(peak=3.0, rise=rise, fall=(0, 0))

    assert schedule.rate(0) == 3.0
    assert schedule.rate(1) == 0.0
