from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from asg_core.synthetic.config import SyntheticConfig
from asg_core.synthetic.layouts import nih
from asg_core.synthetic.layouts.population import (
    meet,
    plan_benchmark_patient,
    render_image,
)
from asg_core.synthetic.world.world import PatientPlan, finding_priors
from asg_core.terms.views import View


def test_a_benchmark_has_its_findings_more_often() -> None:
    def share(boost: float) -> float:
        plans = [
            plan_benchmark_patient(
                index,
                SyntheticConfig(),
                stream=5,
                boosted=("pneumothorax",),
                boost=boost,
            )
            for index in range(400)
        ]
        shown = [
            any(seen.finding == "pneumothorax" for seen in plan.studies[0].observations)
            for plan in plans
        ]
        return sum(shown) / len(shown)

    assert share(1.0) == pytest.approx(0.06 * 0.85, abs=0.025)
    assert share(4.5) == pytest.approx(0.27 * 0.85, abs=0.05)


def test_a_boost_leaves_other_findings_as_frequent_as_they_are() -> None:
    plans = [
        plan_benchmark_patient(
            index, SyntheticConfig(), stream=5, boosted=("pneumothorax",), boost=4.5
        )
        for index in range(400)
    ]
    (prevalence,) = (
        prior.prevalence
        for prior in finding_priors()
        if prior.finding == "cardiomegaly"
    )

    shown = [
        any(seen.finding == "cardiomegaly" for seen in plan.studies[0].observations)
        for plan in plans
    ]

    assert sum(shown) / len(shown) == pytest.approx(0.85 * prevalence, abs=0.05)


def test_a_finding_of_a_benchmark_is_still_there_with_probability_six_tenths() -> None:
    kept = Counter[bool]()
    for index in range(1200):
        plan = plan_benchmark_patient(index, SyntheticConfig(), stream=6)
        for earlier, later in pairwise(plan.studies):
            assert later.resolved == ()
            shown = {seen.finding for seen in later.observations}
            kept.update(seen.finding in shown for seen in earlier.observations)

    assert kept[True] / kept.total() == pytest.approx(0.6, abs=0.05)


def test_half_of_the_persons_are_women_and_only_they_have_breast_shadows() -> None:
    persons = [
        meet(plan_benchmark_patient(index, SyntheticConfig(), stream=6))
        for index in range(300)
    ]

    assert {person.sex for person in persons if person.body.breast > 0} == {"F"}
    assert {person.sex for person in persons if person.body.breast == 0} == {"M"}
    assert 110 < sum(person.sex == "F" for person in persons) < 190
    assert all(18 <= person.age <= 94 for person in persons)


STILL = replace(
    nih.LOOK,
    max_rotation_deg=0.0,
    scale=(1.0, 1.0),
    max_shift=0.0,
    max_turn=0.0,
)
"""Every image in the same pose, so that what differs is the body."""


def _healthy_patient() -> PatientPlan:
    """Return a patient of two studies that show nothing, each with two AP images."""
    plans = (
        plan_benchmark_patient(index, SyntheticConfig(), stream=6)
        for index in range(100)
    )
    plan = next(plan for plan in plans if len(plan.studies) == 2)
    views = (View.AP, View.AP)
    studies = (replace(one, observations=(), views=views) for one in plan.studies)
    return replace(plan, studies=tuple(studies))


def test_the_studies_of_a_patient_share_one_body_and_no_image() -> None:
    plan = _healthy_patient()
    other = replace(plan, seed=(*plan.seed[:-2], plan.seed[-2] + 1, plan.seed[-1]))

    images = [
        render_image(plan, place, size=80, acquisition=STILL)
        for place in ((0, 0), (0, 1), (1, 0), (1, 1))
    ]
    of_other = render_image(other, (0, 0), size=80, acquisition=STILL)

    # Breathing moves the diaphragm, but not the aortic knob.
    knobs = [image.boxes["aortic arch"] for image in images]
    for knob in knobs[1:]:
        np.testing.assert_allclose(knob, knobs[0], atol=1e-6)
    assert of_other.boxes["aortic arch"] != pytest.approx(knobs[0], abs=0.01)
    assert len({image.pixels.tobytes() for image in images}) == 4
