"""The losses of pre-training by name: the names of their weights in `pretraining.losses`."""

from collections.abc import Mapping
from typing import Final, NamedTuple


class LossName(NamedTuple):
    """How the paper and our pages call a loss."""

    short: str
    about: str


LOSSES: Final[Mapping[str, LossName]] = {
    "image_report": LossName("IRA", "image-report loss"),
    "region_sentence": LossName("ARSA", "region-sentence loss"),
    "tags": LossName("IRL", "tag loss"),
    "soft_labels": LossName("ERL", "soft-label loss"),
}
