"""Which claims align, and what happens when a sentence names several regions."""

from enum import StrEnum

from pydantic import Field

from asg_core.settings import RejectShare, Settings
from asg_core.terms.existence import Context, Existence
from asg_core.terms.views import FRONTAL, View


class Policy(StrEnum):
    """What is done with a sentence that describes several regions with boxes."""

    MERGE = "merge"
    SPLIT = "split"


class AlignmentConfig(Settings):
    """How sentences and boxes become units."""

    policy: Policy = Policy.MERGE
    """`merge`: regions that share a sentence are one unit, with the union of their boxes
    and all of their sentences. `split`: each region is a unit, with the clauses that
    speak of it."""

    views: tuple[View, ...] = Field(default=FRONTAL, min_length=1)
    """Views of the images that get units and tag targets."""

    contexts: tuple[Context, ...] = Field(default=(Context.CURRENT,), min_length=1)
    """Contexts of the claims that align. Comparison describes this image by its change;
    history and removal describe earlier ones."""

    existences: tuple[Existence, ...] = Field(default=tuple(Existence), min_length=1)
    """Claims that align. "No pneumothorax" describes a place as much as "effusion"."""

    max_units: int | None = Field(default=None, ge=1)
    """An image keeps this many units, the first in order of the report, and those beyond
    are counted; null keeps all."""

    max_reject_share: RejectShare = 0.01
    """Share of a job's items (triplets and boxes) that may be rejected before the job
    stops."""
