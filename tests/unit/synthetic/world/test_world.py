"""What the plans of the synthetic world promise about splits, changes and severities."""

from collections import Counter
from functools import cache
from itertools import pairwise

import pytest

from asg_core.synthetic.world.world import (
    Change,
    Observation,
    PatientPlan,
    finding_priors,
    plan_patient,
)
from asg_core.terms.views import View


@cache
def plans() -> tuple[PatientPlan, ...]:
    return tuple(
        plan_patient(index, seed=3, stream=0, lateral_share=0.2)
        for index in range(1500)
    )


def test_patients_are_split_in_eight_one_and_one_tenth() -> None:
    shares = Counter(plan.split for plan in plans())

    assert shares["train"] == pytest.approx(1200, abs=60)
    assert shares["validate"] == pytest.approx(150, abs=45)
    assert shares["test"] == pytest.approx(150, abs=45)
    assert shares.total() == 1500


def test_every_study_has_an_id_of_its_own_and_knows_its_earlier_one() -> None:
    studies = [study for plan in plans() for study in plan.studies]

    assert len({study.study_id for study in studies}) == len(studies)
    assert len({plan.patient_id for plan in plans()}) == 1500
    for plan in plans():
        assert [study.has_earlier for study in plan.studies] == [
            number > 0 for number in range(len(plan.studies))
        ]


def test_the_share_of_studies_with_a_lateral_image_is_what_was_asked_for() -> None:
    studies = [study for plan in plans() for study in plan.studies]

    share = sum(View.LATERAL in study.views for study in studies) / len(studies)

    assert share == pytest.approx(0.2, abs=0.03)
    assert all(study.views[0] in (View.PA, View.AP) for study in studies)


def test_what_is_hedged_is_less_severe() -> None:
    bounds = {prior.finding: prior.severity for prior in finding_priors()}
    companions = {prior.companion for prior in finding_priors()}

    seen = Counter[bool]()
    for plan in plans():
        for shown in plan.studies[0].observations:
            if shown.finding not in companions:
                low, high = bounds[shown.finding]
                share = 1.0 if shown.is_certain else 0.6
                assert share * low <= shown.severity <= share * high
                assert shown.change is None
                seen[shown.is_certain] += 1

    assert seen[True] > seen[False] > 100


def _key(shown: Observation) -> tuple[str, tuple[str, ...]]:
    return shown.finding, shown.places


def test_a_later_study_keeps_changes_or_loses_what_the_earlier_one_showed() -> None:
    factors = {Change.UNCHANGED: 1.0, Change.LARGER: 1.3, Change.SMALLER: 0.7}
    seen = Counter[Change | None]()
    for plan in plans():
        for earlier, later in pairwise(plan.studies):
            new = [one for one in later.observations if one.change is Change.NEW]
            kept = [one for one in later.observations if one.change is not Change.NEW]
            known = {one.finding for one in earlier.observations}
            assert not {one.finding for one in new} & known
            assert Counter(map(_key, (*kept, *later.resolved))) == Counter(
                map(_key, earlier.observations)
            )
            rest = list(earlier.observations)
            for one in later.resolved:
                rest.remove(one)
            for one, was in zip(kept, rest, strict=True):
                assert one.change is not None
                expected = min(1.0, factors[one.change] * was.severity)
                assert one.severity == pytest.approx(expected)
            seen.update(one.change for one in later.observations)
            seen[None] += len(later.resolved)

    assert min(seen[kind] for kind in (*Change, None)) > 50
