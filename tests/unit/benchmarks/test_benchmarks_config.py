from typing import Any

import pytest
from pydantic import ValidationError

from asg_core.benchmarks.config import BenchmarksConfig


def test_every_benchmark_is_off_by_default() -> None:
    config = BenchmarksConfig()

    roots = [
        getattr(config, name).root
        for name in ("nih", "chexpert", "rsna", "covidx", "siim")
    ]
    assert roots == [None] * 5


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"nih": {"split": "lists", "test_list": "a.txt"}}, "found 1 of the three"),
        ({"nih": {"test_list": "a.txt"}}, "nih.split is 'official' while 1"),
        ({"nih": {"validate_share": 0}}, "greater than 0"),
        ({"chexpert": {"targets": "fourteen"}}, "chexpert.targets is 'fourteen'"),
        ({"rsna": {"split": "official"}}, "'mgca', 'mgca-detection' or 'benchx'"),
        ({"padchest": {}}, "Extra inputs are not permitted"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        BenchmarksConfig.model_validate(settings)
