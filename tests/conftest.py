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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first: at the end of a session no worker waits for another."""
    items.sort(key=lambda item: (not is_end_to_end(item), not is_slow(item)))


def is_end_to_end(item: pytest.Item) -> bool:
    return "end_to_end" in item.path.parts


def is_slow(item: pytest.Item) -> bool:
    return item.get_closest_marker("slow") is not None
