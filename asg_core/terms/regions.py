"""Places in a chest radiograph: 29 regions with boxes, and the places without.

Left and right are the patient's.
"""

REGIONS: tuple[str, ...] = (
    "right lung",
    "right upper lung zone",
    "right mid lung zone",
    "right lower lung zone",
    "right hilar structures",
    "right apical zone",
    "right costophrenic angle",
    "right hemidiaphragm",
    "left lung",
    "left upper lung zone",
    "left mid lung zone",
    "left lower lung zone",
    "left hilar structures",
    "left apical zone",
    "left costophrenic angle",
    "left hemidiaphragm",
    "trachea",
    "spine",
    "right clavicle",
    "left clavicle",
    "aortic arch",
    "mediastinum",
    "upper mediastinum",
    "svc",
    "cardiac silhouette",
    "cavoatrial junction",
    "right atrium",
    "carina",
    "abdomen",
)
"""The regions that can have a box: names and order of Chest ImaGenome 1.0.0."""

UNBOXED_PLACES: tuple[str, ...] = (
    "right ribs",
    "left ribs",
    "right shoulder",
    "left shoulder",
    "right arm",
    "left arm",
    "right chest wall",
    "left chest wall",
    "right breast",
    "left breast",
    "neck",
    "sternum",
    "esophagus",
    "right cardiophrenic angle",
    "left cardiophrenic angle",
    "descending aorta",
    "right upper abdomen",
    "left upper abdomen",
)
"""Places that reports name and no box covers."""

UNSPECIFIED = "unspecified"
LEFT_UNSPECIFIED = "left unspecified"
RIGHT_UNSPECIFIED = "right unspecified"

PLACES: tuple[str, ...] = (
    *REGIONS,
    *UNBOXED_PLACES,
    UNSPECIFIED,
    LEFT_UNSPECIFIED,
    RIGHT_UNSPECIFIED,
)
"""Every value that the column `region` of the table `triplets` can take."""

_INDEX = {region: index for index, region in enumerate(REGIONS)}
_SIDES = ("left", "right")


def region_index(region: str) -> int:
    """Return the 0-based position of `region` in `REGIONS`.

    Raises:
        ValueError: If `region` is not one of the regions with boxes.
    """
    if region not in _INDEX:
        raise ValueError(
            f"region_index: expected one of the {len(REGIONS)} regions with boxes of "
            f"asg_core.terms.regions, found '{region}'"
        )
    return _INDEX[region]


def side_of(place: str) -> str | None:
    """Return the patient's side that `place` names: "left", "right" or None."""
    first = place.partition(" ")[0]
    return first if first in _SIDES else None


def mirrored(place: str) -> str:
    """Return the same place on the other side; places without a side are themselves.

    Raises:
        ValueError: If the other side is not in the vocabulary: "right atrium" is a
            chamber and not the right one of a pair.
    """
    side = side_of(place)
    if side is None:
        return place
    other = ("right" if side == "left" else "left") + place.removeprefix(side)
    if other not in PLACES:
        raise ValueError(f"mirrored: '{place}' has no counterpart on the other side")
    return other
