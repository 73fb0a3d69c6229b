import pytest

from asg_core.reports.grammar.places import Place, find_groups, holds, regions_of
from asg_core.reports.grammar.reading import read_sentence
from asg_core.reports.lexicon.load import load_lexicon
from asg_core.reports.lexicon.rules import PlaceRule
from asg_core.reports.lexicon.zones import PAIRED, SINGLE, ZONES, zones_of
from asg_core.terms.existence import Existence
from asg_core.terms.regions import PLACES


def groups(text: str) -> list[list[tuple[str | None, tuple[str, ...]]]]:
    reading = read_sentence(load_lexicon(), text)
    found = find_groups(reading)
    return [[(place.zone, place.sides) for place in group.places] for group in found]


LEFT, RIGHT, BOTH = ("left",), ("right",), ("left", "right")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("left base", [[("lower", LEFT)]]),
        ("left and right bases", [[("lower", BOTH)]]),
        ("left greater than right bases", [[("lower", BOTH)]]),
        ("right upper and left lower lobes", [[("upper", RIGHT), ("lower", LEFT)]]),
        ("right upper and lower lobes", [[("upper", RIGHT), ("lower", RIGHT)]]),
        ("bases on the left", [[("lower", LEFT)]]),
        ("bibasilar", [[("lower", BOTH)]]),
        ("both apices", [[("apex", BOTH)]]),
        ("lungs", [[("lung", ())]]),
        ("left lung base", [[("lower", LEFT)]]),
        ("apex of the right lung", [[("apex", RIGHT)]]),
        ("retrocardiac", [[("lower", LEFT)]]),
        ("lingula and middle lobe", [[("mid", LEFT), ("mid", RIGHT)]]),
        # what is said beats what is implied, but another zone has used that side
        ("right retrocardiac", [[("lower", RIGHT)]]),
        ("right base and lingula", [[("lower", RIGHT), ("mid", LEFT)]]),
        ("left base, right apex and lingula", [[("lower", LEFT), ("apex", RIGHT), ("mid", LEFT)]]),
        ("left base and middle lobe", [[("lower", LEFT), ("mid", RIGHT)]]),
        ("left-sided", [[(None, LEFT)]]),
        ("the left", [[(None, LEFT)]]),
        ("costophrenic XXXX bilaterally", [[("angle", BOTH)]]),
        ("left base is clear but right apex", [[("lower", LEFT)], [("apex", RIGHT)]]),
        ("infiltrate in the right base and left apical scar", [[("lower", RIGHT)], [("apex", LEFT)]]),
        # a denied or doubted place is one as well
        ("clavicle or rib", [[("clavicle", ()), ("ribs", ())]]),
        ("right upper/mid lung", [[("upper", RIGHT), ("mid", RIGHT)]]),
        ("left, slightly worse than right, basilar", [[("lower", BOTH)]]),
        # words that were removed
        ("hilar lymph XXXX bilaterally", [[("hilum", BOTH)]]),
        # a place is cut where another finding follows, and there only
        ("infiltrate in the right base, lingular scar", [[("lower", RIGHT)], [("mid", LEFT)]]),
        ("infiltrate in the right base or lingular scar", [[("lower", RIGHT)], [("mid", LEFT)]]),
        ("scar in the left apex, lingula, and right basilar effusion", [[("apex", LEFT), ("mid", LEFT)], [("lower", RIGHT)]]),
        ("nodules in the left base and right apex are unchanged", [[("lower", LEFT), ("apex", RIGHT)]]),
        ("in the right base and left apical scar", [[("lower", RIGHT), ("apex", LEFT)]]),
        # sides add up for the next zone, not over one
        ("right base and left and right apices", [[("lower", RIGHT), ("apex", BOTH)]]),
        # the midline has no side: not that of the zone before it, nor that behind the next
        ("left hilar and mediastinal", [[("hilum", LEFT), ("mediastinum", ())]]),
        ("mediastinum and apex on the left", [[("mediastinum", ()), ("apex", LEFT)]]),
        ("over the mid abdomen", [[("abdomen", ())]]),
        # the same zone has the side that was named before
        ("left hilar mass and hilar calcification", [[("hilum", LEFT)], [("hilum", LEFT)]]),
        ("left costophrenic effusion and costophrenic blunting", [[("angle", LEFT)], [("angle", LEFT)]]),
        # another zone, or one with a side of its own, has not
        ("bibasilar opacity and apical nodule", [[("lower", BOTH)], [("apex", ())]]),
        ("right lower lobe infiltrate and left basilar infiltrate", [[("lower", RIGHT)], [("lower", LEFT)]]),
        ("left apical and lingular scars and apical nodule", [[("apex", LEFT), ("mid", LEFT)], [("apex", ())]]),
        # a zone of a lung says more than the lung or its pleura
        ("right apical pleural", [[("apex", RIGHT)]]),
        # but not more than the other lung
        ("in the right lower lobe or in the left lung", [[("lower", RIGHT), ("lung", LEFT)]]),
        ("left base and right lung", [[("lower", LEFT), ("lung", RIGHT)]]),
        ("right lung and left apex", [[("lung", RIGHT), ("apex", LEFT)]]),
        ("right lung and right apex", [[("apex", RIGHT)]]),
        ("left apex and both lungs", [[("apex", LEFT), ("lung", BOTH)]]),
        # a noun that is no adjective of a finding ends the list before it
        ("elevated right hemidiaphragm and left basilar atelectasis", [[("diaphragm", RIGHT)], [("lower", LEFT)]]),
        ("mediastinal and hilar contours, mediastinal calcification", [[("mediastinum", ()), ("hilum", ())], [("mediastinum", ())]]),
        ("cardiac silhouette and left apical scar", [[("heart", ())], [("apex", LEFT)]]),
        ("heart, right basilar scar", [[("heart", ())], [("lower", RIGHT)]]),
        ("both hemidiaphragms and left apical scar", [[("diaphragm", BOTH)], [("apex", LEFT)]]),
        # a singular, or a list that no finding follows, goes on
        ("right upper lobe and left basilar atelectasis", [[("upper", RIGHT), ("lower", LEFT)]]),
        ("left apical and right basilar scar", [[("apex", LEFT), ("lower", RIGHT)]]),
        ("right hemidiaphragm and left base", [[("diaphragm", RIGHT), ("lower", LEFT)]]),
        ("lung bases and right apex are clear", [[("lower", ()), ("apex", RIGHT)]]),
        # less of it is there as well
        ("right lower lobe and, to a lesser extent, the left", [[("lower", RIGHT), ("lower", LEFT)]]),
        ("left apex and to a lesser degree the right base", [[("apex", LEFT), ("lower", RIGHT)]]),
        # what is behind the heart is on the left, unless both sides are named
        ("bilateral retrocardiac regions", [[("lower", BOTH)]]),
        ("both retrocardiac areas", [[("lower", BOTH)]]),
        ("right posterior sulcus", [[("angle", RIGHT)]]),
        # a part is on the side of its whole
        ("apical segment of the right upper lobe", [[("apex", RIGHT), ("upper", RIGHT)]]),
        ("basilar segment of the right middle lobe", [[("mid", RIGHT)]]),
        ("base of the left lung", [[("lower", LEFT)]]),
        ("apex of the left upper lobe and right base", [[("apex", LEFT), ("upper", LEFT), ("lower", RIGHT)]]),
        ("base and right apex", [[("lower", ()), ("apex", RIGHT)]]),
        # sides in brackets before a finding belong to the zone before them
        ("bibasilar (left greater than right) atelectasis", [[("lower", BOTH)]]),
        ("basilar (R>L) mild scarring", [[("lower", BOTH)]]),
        ("apical (right) scarring", [[("apex", RIGHT)]]),
        ("both bases (left greater than right) are clear", [[("lower", ())], [(None, BOTH)]]),
        ("base (left apex) scarring", [[("lower", ())], [("apex", LEFT)]]),
        ("nothing", []),
    ],
)  # fmt: skip
def test_groups_of_place_words(
    text: str, expected: list[list[tuple[str | None, tuple[str, ...]]]]
) -> None:
    assert groups(text) == expected


def lung_rule(*, is_spread: bool = False) -> PlaceRule:
    return PlaceRule(
        default="lung",
        is_spread=is_spread,
        zones=frozenset({"lung", "lower", "mid"}),
        moved={"fissure": "mid"},
    )


@pytest.mark.parametrize(
    ("place", "existence", "expected"),
    [
        (("lower", LEFT, False), Existence.PRESENT, ("left lower lung zone",)),
        (("lower", (), False), Existence.PRESENT, ("unspecified",)),
        (("lower", (), True), Existence.PRESENT, ("left lower lung zone", "right lower lung zone")),
        (("lower", (), False), Existence.ABSENT, ("left lower lung zone", "right lower lung zone")),
        (("fissure", RIGHT, False), Existence.PRESENT, ("right mid lung zone",)),
        ((None, LEFT, False), Existence.UNCERTAIN, ("left lung",)),
        (("heart", LEFT, False), Existence.PRESENT, ("left lung",)),
        (None, Existence.PRESENT, ("unspecified",)),
        (None, Existence.ABSENT, ("left lung", "right lung")),
    ],
)  # fmt: skip
def test_regions_of_a_lung_finding(
    place: tuple[str | None, tuple[str, ...], bool] | None,
    existence: Existence,
    expected: tuple[str, ...],
) -> None:
    named = None
    if place is not None:
        named = Place(zone=place[0], sides=place[1], is_pair=place[2])

    regions = regions_of(
        named, rule=lung_rule(), hint=None, is_pair=False, existence=existence
    )

    assert regions == expected


def test_a_spread_finding_is_on_both_sides() -> None:
    regions = regions_of(
        None,
        rule=lung_rule(is_spread=True),
        hint=None,
        is_pair=False,
        existence=Existence.PRESENT,
    )

    assert regions == ("left lung", "right lung")


def test_a_finding_without_a_default_is_on_a_side_or_nowhere() -> None:
    rule = PlaceRule(default=None, is_spread=False, zones=None, moved={})
    left = Place(zone=None, sides=LEFT, is_pair=False)
    present = Existence.PRESENT

    on_left = regions_of(left, rule=rule, hint=None, is_pair=False, existence=present)
    nowhere = regions_of(None, rule=rule, hint=None, is_pair=False, existence=present)
    hinted = regions_of(
        None, rule=rule, hint="trachea", is_pair=False, existence=present
    )

    assert on_left == ("left unspecified",)
    assert nowhere == ("unspecified",)
    assert hinted == ("trachea",)


def test_a_place_holds_a_finding_by_its_rule() -> None:
    rule = lung_rule()

    assert holds(Place(zone="lower", sides=(), is_pair=False), rule)
    assert holds(Place(zone="fissure", sides=(), is_pair=False), rule)
    assert holds(Place(zone=None, sides=LEFT, is_pair=False), rule)
    assert not holds(Place(zone="heart", sides=(), is_pair=False), rule)


def test_zones_stand_for_places_of_the_vocabulary() -> None:
    sided = {f"{side} {name}" for name in PAIRED.values() for side in BOTH}

    assert sided | set(SINGLE.values()) == set(PLACES)


def test_a_region_can_come_from_several_zones() -> None:
    assert zones_of("left costophrenic angle") == {"angle", "pleura"}
    assert zones_of("right atrium") == {"right_atrium"}
    assert zones_of("left unspecified") == frozenset()
    assert all(zones_of(place) <= ZONES for place in PLACES)
