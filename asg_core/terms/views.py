"""The projections a radiograph can have; `view_spellings` says how datasets spell them."""

from enum import StrEnum


class View(StrEnum):
    """The projection of one radiograph; `views.tsv` says what the values mean."""

    PA = "PA"
    AP = "AP"
    FRONTAL = "FRONTAL"
    LATERAL = "LATERAL"
    OTHER = "OTHER"
    UNKNOWN = "UNKNOWN"


FRONTAL: tuple[View, ...] = (View.PA, View.AP, View.FRONTAL)
"""Views of a film from the front or the back, whether or not it is said which."""
