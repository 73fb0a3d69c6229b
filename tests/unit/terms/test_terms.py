import pytest

from asg_core.terms.findings import FINDINGS, finding_index
from asg_core.terms.regions import PLACES, REGIONS, mirrored, region_index, side_of


def test_vocabularies_have_the_sizes_of_their_sources_and_no_duplicates() -> None:
    assert len(REGIONS) == len(set(REGIONS)) == 29
    assert len(FINDINGS) == len(set(FINDINGS)) == 40
    assert len(PLACES) == len(set(PLACES))


def test_positions_follow_the_published_order() -> None:
    assert region_index("right lung") == 0
    assert region_index("left hemidiaphragm") == 15
    assert region_index("abdomen") == 28
    assert finding_index("pleural effusion") == 0
    assert finding_index("aspiration") == 39


def test_unknown_names_are_refused_with_the_name() -> None:
    with pytest.raises(ValueError, match="found 'left ribs'"):
        region_index("left ribs")
    with pytest.raises(ValueError, match="found 'effusion'"):
        finding_index("effusion")


@pytest.mark.parametrize(
    ("place", "side"),
    [
        ("left lung", "left"),
        ("right unspecified", "right"),
        ("spine", None),
        ("unspecified", None),
    ],
)
def test_side_is_the_first_word_or_nothing(place: str, side: str | None) -> None:
    assert side_of(place) == side


def test_mirroring_twice_gives_the_place_back() -> None:
    lateral = [place for place in PLACES if place != "right atrium"]

    assert [mirrored(mirrored(place)) for place in lateral] == lateral
    assert mirrored("right apical zone") == "left apical zone"
    with pytest.raises(ValueError, match="'right atrium' has no counterpart"):
        mirrored("right atrium")
