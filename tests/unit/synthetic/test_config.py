from typing import Any

import pytest

from asg_core.config import resolve_config
from asg_core.synthetic.config import SyntheticConfig


@pytest.mark.parametrize(
    ("settings", "nih", "siim"),
    [
        ({}, 7, 7),
        ({"benchmarks": {"nih": 3}}, 3, 7),
        ({"benchmark_images": 5}, 5, 5),
        ({"benchmark_images": 5, "benchmarks": {"nih": 3, "siim": 0}}, 3, 0),
        ({"benchmark_images": 0, "benchmarks": {"nih": 3}}, 3, 0),
    ],
)
def test_a_named_benchmark_comes_before_all_and_all_before_the_layouts(
    settings: dict[str, Any], nih: int, siim: int
) -> None:
    config = SyntheticConfig.model_validate(settings)

    assert config.images_of("nih", default=7) == nih
    assert config.images_of("siim", default=7) == siim
    made = resolve_config({"corpus": {"synthetic": settings}}).benchmarks
    assert ("nih" in made, "siim" in made) == (nih > 0, siim > 0)
