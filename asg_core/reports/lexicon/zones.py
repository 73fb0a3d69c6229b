"""Zones: the kinds of place that words name, and the regions they stand for.

A zone with a side is a region ("lower", left -> "left lower lung zone"). Zones are
internal to the parser: what leaves it are the names of `asg_core.terms.regions`.
"""

from collections.abc import Mapping

from asg_core.terms.regions import UNSPECIFIED

PAIRED: Mapping[str, str] = {
    "lung": "lung",
    "upper": "upper lung zone",
    "mid": "mid lung zone",
    "lower": "lower lung zone",
    "hilum": "hilar structures",
    "apex": "apical zone",
    "angle": "costophrenic angle",
    "pleura": "costophrenic angle",
    "fissure": "mid lung zone",
    "diaphragm": "hemidiaphragm",
    "vessels": "hilar structures",
    "clavicle": "clavicle",
    "ribs": "ribs",
    "shoulder": "shoulder",
    "arm": "arm",
    "chest_wall": "chest wall",
    "breast": "breast",
    "cardiophrenic": "cardiophrenic angle",
    "upper_abdomen": "upper abdomen",
    "body": UNSPECIFIED,
}
"""Zones that lie on a side; `body` is a side and nothing more."""

SINGLE: Mapping[str, str] = {
    "trachea": "trachea",
    "spine": "spine",
    "aorta": "aortic arch",
    "descending_aorta": "descending aorta",
    "mediastinum": "mediastinum",
    "cardiomediastinum": "mediastinum",
    "upper_mediastinum": "upper mediastinum",
    "svc": "svc",
    "heart": "cardiac silhouette",
    "heart_part": "cardiac silhouette",
    "cavoatrial": "cavoatrial junction",
    "right_atrium": "right atrium",
    "carina": "carina",
    "abdomen": "abdomen",
    "neck": "neck",
    "sternum": "sternum",
    "esophagus": "esophagus",
    "bones": UNSPECIFIED,
    "elsewhere": UNSPECIFIED,
}
"""Zones in the midline, or of which there is one."""

ZONES: frozenset[str] = frozenset(PAIRED) | frozenset(SINGLE)

_ZONES_OF: dict[str, frozenset[str]] = {}
for _zone, _name in (*PAIRED.items(), *SINGLE.items()):
    _ZONES_OF[_name] = _ZONES_OF.get(_name, frozenset()) | {_zone}


def zones_of(region: str) -> frozenset[str]:
    """Return the zones that a region can have come from; none for `unspecified`."""
    if region.endswith(UNSPECIFIED):
        return frozenset()
    name = region.removeprefix("left ").removeprefix("right ")
    return _ZONES_OF.get(region) or _ZONES_OF.get(name, frozenset())
