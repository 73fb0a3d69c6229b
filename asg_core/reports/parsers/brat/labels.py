"""What the labels of BRAT corpora mean: kinds of entities, assertions, relations.

Spellings differ from corpus to corpus: case, blanks, "-" and "_" do not count. A label may
hold an assertion, as RadGraph's do ("OBS-DA", "Observation-definitely_absent").
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from asg_core.terms.existence import Existence

LOCATED_AT = "located_at"

_OBSERVATIONS = frozenset({"problem", "observation", "obs", "finding"})
_ANATOMY = frozenset({"anatomy", "anat", "anatomicalsite", "bodylocation"})
_STATES: Mapping[str, Existence] = {
    "present": Existence.PRESENT,
    "positive": Existence.PRESENT,
    "affirmed": Existence.PRESENT,
    "dp": Existence.PRESENT,
    "definitelypresent": Existence.PRESENT,
    "negated": Existence.ABSENT,
    "negative": Existence.ABSENT,
    "negation": Existence.ABSENT,
    "absent": Existence.ABSENT,
    "da": Existence.ABSENT,
    "definitelyabsent": Existence.ABSENT,
    "possible": Existence.UNCERTAIN,
    "uncertain": Existence.UNCERTAIN,
    "hedged": Existence.UNCERTAIN,
    "u": Existence.UNCERTAIN,
}
_NO_CLAIMS = frozenset(
    {"conditional", "hypothetical", "family", "associatedwithsomeoneelse"}
)
_RELATIONS: Mapping[str, str] = {
    "locatedat": LOCATED_AT,
    "locatedin": LOCATED_AT,
    "locationof": LOCATED_AT,
    "modify": "modify",
    "suggestiveof": "suggestive_of",
}
_YES, _NO = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})
_MARKS = re.compile(r"[\s_:-]+")


class Label(NamedTuple):
    """What the label of an entity says."""

    is_observation: bool
    existence: Existence | None
    """None: the label does not say; attributes may."""


def entity_label(label: str) -> Label | None:
    """Return what a label says; None where it is not known."""
    plain = _plain(label)
    kind, _, state = (part.strip() for part in _parted(label))
    for name, assertion in ((plain, ""), (_plain(kind), _plain(state))):
        if assertion and assertion not in _STATES:
            continue
        if name in _OBSERVATIONS or name in _ANATOMY:
            return Label(name in _OBSERVATIONS, _STATES.get(assertion))
    return None


def assertion(name: str, value: str) -> Existence | bool | None:
    """Return what an attribute says of its entity.

    Returns:
        Its existence; True: the entity is no claim about this patient's image now; False:
        the attribute says nothing ("Negated: false"); None: it is not known.
    """
    if _plain(value) in _NO:
        return False
    said = _plain(name if not value or _plain(value) in _YES else value)
    return True if said in _NO_CLAIMS else _STATES.get(said)


def relation_name(name: str) -> str | None:
    """Return the relation of a graph that a name stands for; None: not known."""
    return _RELATIONS.get(_plain(name))


def _plain(label: str) -> str:
    return _MARKS.sub("", label).lower()


def _parted(label: str) -> tuple[str, str, str]:
    return label.partition("::" if "::" in label else "-")
