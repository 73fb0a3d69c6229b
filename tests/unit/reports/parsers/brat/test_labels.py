"""Labels of BRAT corpora, in their spellings."""

import pytest

from asg_core.reports.parsers.brat.labels import (
    Label,
    assertion,
    entity_label,
    relation_name,
)
from asg_core.terms.existence import Existence


@pytest.mark.parametrize(
    ("label", "meant"),
    [
        ("problem", Label(is_observation=True, existence=None)),
        ("Finding", Label(is_observation=True, existence=None)),
        ("ANATOMY", Label(is_observation=False, existence=None)),
        ("anatomical-site", Label(is_observation=False, existence=None)),
        ("OBS-DA", Label(is_observation=True, existence=Existence.ABSENT)),
        ("ANAT-DP", Label(is_observation=False, existence=Existence.PRESENT)),
        ("OBS-U", Label(is_observation=True, existence=Existence.UNCERTAIN)),
        (
            "Observation::definitely_present",
            Label(is_observation=True, existence=Existence.PRESENT),
        ),
        ("Treatment", None),
        ("Problem-other", None),
        ("-", None),
    ],
)
def test_a_label_is_a_kind_and_may_be_an_assertion(
    label: str, meant: Label | None
) -> None:
    assert entity_label(label) == meant


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("Negated", "", Existence.ABSENT),
        ("Negated", "true", Existence.ABSENT),
        ("Negated", "false", False),
        ("Assertion", "Possible", Existence.UNCERTAIN),
        ("Assertion", "present", Existence.PRESENT),
        ("Assertion", "associated_with_someone_else", True),
        ("Hypothetical", "", True),
        ("Severity", "mild", None),
        ("Severity", "", None),
    ],
)
def test_an_attribute_is_an_assertion_by_its_value_or_its_name(
    name: str, value: str, *, meant: Existence | bool | None
) -> None:
    assert assertion(name, value) is meant


def test_relations_have_the_names_of_a_graph() -> None:
    names = ("Located_At", "location-of", "modify", "suggestive_of", "causes")

    assert [relation_name(name) for name in names] == [
        "located_at",
        "located_at",
        "modify",
        "suggestive_of",
        None,
    ]
