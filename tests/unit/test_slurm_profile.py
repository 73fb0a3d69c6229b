"""What profiles/slurm says, and that it fits the rules."""

import re
from typing import Any

import pytest
import yaml

from support.checkout import ROOT

RULES = "\n".join(
    path.read_text() for path in sorted((ROOT / "workflow/rules").glob("*.smk"))
)


def profile(name: str) -> dict[str, Any]:
    path = ROOT / "profiles" / name / "config.yaml"
    values: dict[str, Any] = yaml.safe_load(path.read_text())
    return values


def directives_of(rule: str) -> str:
    """Return the text of a rule, up to the next one."""
    found = re.search(rf"rule {rule}:\n(.*?)(?=\n *rule |\Z)", RULES, flags=re.DOTALL)
    assert found is not None, f"there is no rule {rule}"
    return found[1]


def test_the_status_comes_from_squeue() -> None:
    assert profile("slurm")["slurm-status-command"] == "squeue"


def test_jobs_are_tried_again_by_the_profile_and_by_no_rule() -> None:
    assert profile("slurm")["retries"] == 2
    assert "retries" not in profile("default")
    assert re.findall(r"^\s*retries:.*", RULES, flags=re.MULTILINE) == []


def test_both_profiles_have_the_same_triggers() -> None:
    assert profile("slurm")["rerun-triggers"] == profile("default")["rerun-triggers"]


def test_every_rule_that_asks_for_a_gpu_has_a_partition_with_some() -> None:
    names = re.findall(r"^ *rule (\w+):", RULES, flags=re.MULTILINE)
    asking = {name for name in names if "gpu=" in directives_of(name)}
    placed = profile("slurm")["set-resources"]

    # Parsers use one only with the model of radgraph; its partition is the user's.
    assert set(placed) == asking - {"extract_triplets", "compare_triplets"}
    assert {values["slurm_partition"] for values in placed.values()} == {"gpu"}


@pytest.mark.parametrize("resource", ["nodes=1", "tasks_per_gpu=0"])
def test_processes_of_a_run_are_one_task_on_one_node(resource: str) -> None:
    assert resource in directives_of("pretrain_encoders")
