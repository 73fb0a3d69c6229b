"""The split of each patient: what a dataset says, else a draw by a hash of the id."""

from collections import defaultdict
from hashlib import blake2b

from asg_core.sources.config import CorpusKeys
from asg_core.sources.reading.item_files import Problem
from asg_core.tables.catalog import SPLITS

_SPELLINGS = {
    **{split: split for split in SPLITS},
    "valid": "validate",
    "validation": "validate",
    "val": "validate",
}


class PatientSplits:
    """The split of each patient: what the data says, else a draw by hash.

    A patient whose rows name several splits has none: training on one part of a patient
    and testing on another is what splits are there to prevent.
    """

    def __init__(self, config: CorpusKeys) -> None:
        self._named: defaultdict[str, set[str]] = defaultdict(set)
        self._config = config

    def name(self, patient_id: str, split: str) -> None:
        """Note that the data names a split for a patient."""
        self._named[patient_id].add(split)

    def is_named(self, patient_id: str) -> bool:
        """Say whether the data names a split for this patient."""
        return patient_id in self._named

    def of(self, patient_id: str) -> str | None:
        """Return the patient's split, or None if the data names several."""
        named = self._named.get(patient_id, set())
        if len(named) > 1:
            return None
        return next(iter(named), drawn_split(patient_id, config=self._config))

    def conflict(self, patient_id: str) -> Problem:
        """Return the problem of an item of a patient in several splits."""
        named = sorted(self._named.get(patient_id, set()))
        return (
            "split_conflict",
            f"expected one split for patient {patient_id}, found {named}",
        )


def canonical_split(spelling: str) -> str | None:
    """Translate a dataset's name of a split; None if it names no split we know."""
    return _SPELLINGS.get(spelling.strip().lower())


def unknown_split(spelling: str) -> Problem:
    """Return the problem of a row whose split has a name that we do not know."""
    return "unknown_split", f"expected train, validate or test, found '{spelling}'"


def drawn_split(patient_id: str, *, config: CorpusKeys) -> str:
    """Draw the split of a patient for whom the data names none.

    The draw is a hash of the id alone, so it is the same in every shard and does not
    change when patients are added.
    """
    # Personalised, or patients of one shard would tend to share their split.
    digest = blake2b(patient_id.encode(), digest_size=8, person=b"asg-split").digest()
    draw = int.from_bytes(digest, "big") / 2**64
    if draw < config.validate_share:
        return "validate"
    if draw < config.validate_share + config.test_share:
        return "test"
    return "train"
