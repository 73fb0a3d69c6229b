"""The projections a radiograph can have, and how datasets spell them."""

from enum import StrEnum


class View(StrEnum):
    """The projection of one radiograph."""

    PA = "PA"
    AP = "AP"
    LATERAL = "LATERAL"
    OTHER = "OTHER"
    UNKNOWN = "UNKNOWN"


FRONTAL: tuple[View, ...] = (View.PA, View.AP)

_SPELLINGS = {
    "PA": View.PA,
    "POSTERO_ANTERIOR": View.PA,
    "AP": View.AP,
    "ANTERO_POSTERIOR": View.AP,
    "AP ERECT": View.AP,
    "AP SUPINE": View.AP,
    "LATERAL": View.LATERAL,
    "LL": View.LATERAL,
    "RL": View.LATERAL,
    "L": View.LATERAL,
}


def canonical_view(spelling: str | None) -> View:
    """Translate a dataset's view position (DICOM `ViewPosition` codes and their like).

    Empty and missing values are `UNKNOWN`; a value that names another projection
    ("LAO", "XTABLE LATERAL", "SWIMMERS", ...) is `OTHER`.
    """
    if spelling is None or not spelling.strip():
        return View.UNKNOWN
    return _SPELLINGS.get(spelling.strip().upper(), View.OTHER)
