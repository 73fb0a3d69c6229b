"""Options of the whole test suite."""

import pytest
from hypothesis import settings

# A busy machine is slow now and then: time is no property of an example.
settings.register_profile("asg", deadline=None)
settings.load_profile("asg")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        default=False,
        help="rewrite the expected files of the golden tests; review the diff",
    )
