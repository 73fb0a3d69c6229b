import pytest

from asg_core.synthetic.config import SyntheticConfig
from asg_core.synthetic.layouts.population import plan_benchmark_patient


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
