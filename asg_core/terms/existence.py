"""What a sentence claims about a finding, and in which context it claims it."""

from enum import StrEnum


class Existence(StrEnum):
    """The claim one sentence makes about one finding in one region.

    There is no member for *not mentioned*: silence is the absence of a row. A missing
    row is unlabelled, and it must not train or score as a negative.
    """

    PRESENT = "present"
    ABSENT = "absent"
    UNCERTAIN = "uncertain"


class Context(StrEnum):
    """How the claim relates to this examination.

    `CURRENT` claims describe this image. `COMPARISON` claims describe this image by its
    change against an earlier one ("effusion has increased"). `REMOVAL` claims say that
    something seen earlier is gone ("the tube has been removed"): their existence is
    absent, and the text describes an earlier image. `HISTORY` claims are about the past
    ("history of pneumonia") and say nothing about this image.
    """

    CURRENT = "current"
    COMPARISON = "comparison"
    REMOVAL = "removal"
    HISTORY = "history"


EXISTENCE_RANK: tuple[Existence, ...] = (
    Existence.PRESENT,
    Existence.UNCERTAIN,
    Existence.ABSENT,
)
"""Over a whole report the first of these that any sentence claims is the tag's target."""
