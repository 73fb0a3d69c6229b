"""How two parsers can differ about one finding of one sentence."""

from enum import StrEnum


class Difference(StrEnum):
    """The first thing that two parsers do not say alike, in this order."""

    OUTSIDE = "outside"
    """The second claims it, in words that the run does not read: another section."""

    ONLY_OWN = "only_own"
    ONLY_SECOND = "only_second"
    EXISTENCE = "existence"
    SIDE = "side"
    """One names another side of the patient, none, or one more."""

    REGION = "region"
    """The same sides, and another place on them."""

    CONTEXT = "context"
    NONE = "none"
