"""Which columns of MIMIC-CXR's metadata say the view of an image.

What the spellings in them mean is in `asg_core/terms/views.tsv`.
"""

from asg_core.sources.views import GivenView

POSITION = "ViewPosition"
"""A DICOM code such as "PA" or "LL"; empty in thousands of rows."""

MEANING = "ViewCodeSequence_CodeMeaning"
"""Words such as "antero-posterior"; not in every release."""


def view_of(*, position: str, meaning: str) -> GivenView:
    """Return the view of a row: that of its position, else that of the coded meaning."""
    return GivenView.of(position, meaning)
