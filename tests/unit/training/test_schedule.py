import pytest

from asg_core.training.config import OptimizerConfig
from asg_core.training.schedule import count_steps, make_schedule
from support.small_run import small_settings

CONFIG = OptimizerConfig(learning_rate=4.0, min_learning_rate=1.0, warmup_share=0.4)


def test_the_rate_rises_in_a_line_and_falls_in_a_cosine() -> None:
    schedule = make_schedule(CONFIG, num_steps=15)

    rates = [schedule.rate(step) for step in range(15)]

    # 6 steps of warm-up from 1, the peak at step 6, the middle of the fall at step 10.
    assert rates[:7] == pytest.approx([1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0])
    assert rates[10] == pytest.approx(2.5)
    assert rates[14] == pytest.approx(1.0)
    assert rates[6:] == sorted(rates[6:], reverse=True)


def test_the_paper_warms_up_in_20_of_50_epochs() -> None:
    paper = make_schedule(OptimizerConfig(), num_steps=37_650)

    assert paper.rise == (0, 15_060)
    assert paper.rate(0) == 1e-8
    assert paper.rate(15_060) == 4e-5
    assert paper.rate(37_649) == pytest.approx(1e-8)


def test_without_a_warm_up_and_with_one_step_it_begins_with_the_peak() -> None:
    config = CONFIG.model_copy(update={"warmup_share": 0.0})

    assert make_schedule(config, num_steps=10).rate(0) == 4.0
    assert make_schedule(CONFIG, num_steps=1).rate(0) == 4.0


def test_max_steps_is_the_whole_whatever_the_epochs_say() -> None:
    assert count_steps(small_settings(epochs=4), steps_per_epoch=3) == 12
    assert count_steps(small_settings(epochs=4, max_steps=5), steps_per_epoch=3) == 5
    assert count_steps(small_settings(epochs=1, max_steps=50), steps_per_epoch=3) == 50
