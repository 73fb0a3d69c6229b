"""The configuration of annotations: defaults, and what is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from asg_core.sources.annotations.config import AnnotationsConfig


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"source": "none", "root": "data"},
            "annotations.root is 'data' while annotations.source is 'none",
        ),
        (
            {"source": "table"},
            "annotations.table.file is not set while annotations.sour",
        ),
        ({"source": "boxes"}, "Input should be 'none', 'chest_imagenome' or 'table'"),
    ],
)
def test_annotations_that_cannot_be_are_refused(
    keys: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        AnnotationsConfig(**keys)


def test_the_source_of_annotations_is_open_by_default() -> None:
    assert AnnotationsConfig().source is None
