"""Which columns of MIMIC-CXR say the view of an image."""

import pytest

from asg_core.sources.mimic_cxr.views import view_of
from asg_core.sources.views import GivenView
from asg_core.terms.views import View


@pytest.mark.parametrize(
    ("position", "meaning", "expected"),
    [
        ("PA", "lateral", GivenView(View.PA, "PA")),
        ("", "antero-posterior", GivenView(View.AP, "antero-posterior")),
        ("as ordered", "postero-anterior", GivenView(View.PA, "postero-anterior")),
        ("LL", "", GivenView(View.LATERAL, "LL")),
        ("", "", GivenView(View.UNKNOWN, None)),
    ],
)
def test_the_position_counts_before_the_coded_meaning(
    position: str, meaning: str, expected: GivenView
) -> None:
    assert view_of(position=position, meaning=meaning) == expected
