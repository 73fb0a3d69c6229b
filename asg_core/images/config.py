"""What the pixel cache holds."""

from pydantic import Field

from asg_core.images.resample import Resample
from asg_core.settings import RejectShare, Settings
from asg_core.terms.views import FRONTAL, View


class ImagesConfig(Settings):
    """Which images are decoded, and to what."""

    size: int = Field(default=256, ge=16, le=4096)
    """Side of the square that every image is scaled and padded to, in pixels."""

    resample: Resample = "area"
    """How an image is made smaller: `area`, the mean of what a pixel covers, or `bilinear`,
    as in the released code of ASG; a JPEG is then decoded in full, which takes longer.
    An image is always made larger by interpolation."""

    views: tuple[View, ...] = Field(default=FRONTAL, min_length=1)
    """Images of these views are decoded; all others are left out, and counted by the
    spelling of their view in the log and the summary. FRONTAL is PA or AP, where nobody
    says which."""

    max_reject_share: RejectShare = 0.05
    """Share of a job's items that may be rejected before the job stops."""
