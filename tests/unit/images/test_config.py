import pytest
from pydantic import ValidationError

from asg_core.images.config import ImagesConfig
from asg_core.terms.views import View


def test_frontal_views_at_256_pixels_unless_said_otherwise() -> None:
    config = ImagesConfig()

    assert config.size == 256
    assert config.views == (View.PA, View.AP, View.FRONTAL)
    assert config.max_reject_share == 0.05


def test_views_are_read_by_name() -> None:
    assert ImagesConfig.model_validate({"views": ["LATERAL"]}).views == (View.LATERAL,)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size": 8}, "greater than or equal to 16"),
        ({"views": []}, "at least 1 item"),
        ({"views": ["SIDE"]}, "Input should be 'PA', 'AP'"),
        ({"max_reject_share": 2}, "less than or equal to 1"),
        ({"sise": 256}, "Extra inputs are not permitted"),
    ],
)
def test_impossible_values_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ImagesConfig.model_validate(values)
