"""The view of each image: what a source says, translated by `asg_core/terms/views.tsv`.

Which columns of MIMIC-CXR say a view is in `mimic_cxr/views.py`.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from asg_core.tables.view_counts import (
    count_views,
    left_out,
    log_left_out,
    num_images,
    spellings_text,
)
from asg_core.terms.view_spellings import canonical_view, is_known_spelling
from asg_core.terms.views import View

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GivenView:
    """The view of an image, and how the source spells it."""

    view: View
    spelling: str | None
    """None: the source says nothing."""

    @classmethod
    def of(cls, *spellings: str) -> "GivenView":
        """Return the first of `spellings` that says a view, else the first there is."""
        said = [text.strip() for text in spellings if text.strip()]
        views = [canonical_view(text) for text in said]
        for view, text in zip(views, said, strict=True):
            if view is not View.UNKNOWN:
                return cls(view, text)
        return cls(View.UNKNOWN, said[0] if said else None)


class ViewLog:
    """Counts the views of all images, and says which of them `corpus.views` keeps."""

    def __init__(self, kept: Sequence[View]) -> None:
        self._kept = kept
        self._counts: Counter[tuple[str, str | None]] = Counter()

    def keeps(self, given: GivenView) -> bool:
        """Count an image, and say whether images of its view are kept."""
        self._counts[given.view.value, given.spelling] += 1
        return given.view in self._kept

    def frame(self) -> pl.DataFrame:
        """Return the table `view_counts`, and log what is left out or not understood."""
        counts = count_views(self._counts)
        log_left_out(counts, views=self._kept, key="corpus.views", logger=logger)
        _log_unlisted(counts)
        return counts


def _log_unlisted(counts: pl.DataFrame) -> None:
    """Warn about spellings that `views.tsv` does not have."""
    known = [is_known_spelling(spelling) for spelling in counts["spelling"]]
    rows = counts.filter(~pl.Series(known, dtype=pl.Boolean))
    if rows.is_empty():
        return
    logger.warning(
        "%s of %s images have a view that asg_core/terms/views.tsv does not have, "
        "and count as UNKNOWN: %s. Add the spelling there.",
        f"{num_images(rows):,}",
        f"{num_images(counts):,}",
        spellings_text(left_out(rows, views=())),
    )
