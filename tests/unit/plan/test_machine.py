"""What the jobs of an invocation need of the machine: GPUs and the model hub."""

import os
import subprocess
import sys
from collections.abc import Collection
from typing import Any

import pytest

from asg_core.config import ConfigError, resolve_config
from asg_core.models.pretrained.hub import Found, timm_repository
from asg_core.plan.machine import check_machine
from asg_core.plan.run import RunPlan

ON_CUDA: dict[str, Any] = {
    "reports": {"parser": "radgraph", "radgraph": {"device": "cuda"}},
    "regions": {"training": {"device": "cuda"}, "detection": {"device": "cuda:1"}},
    "pretraining": {
        "model": {"text_encoder": {"name": None}},
        "device": "cuda",
        "runs": {"one": {}, "four": {"processes": 4}, "slow": {"device": "cpu"}},
    },
    "evaluation": {"device": "cuda", "encoders": {"pixels": {"kind": "pixels"}}},
}
RULES = (
    "extract_triplets",
    "train_detector",
    "detect_regions",
    "pretrain_encoders",
    "evaluate_encoder",
)


def plan_of(values: dict[str, Any]) -> RunPlan:
    return RunPlan(resolve_config(values))


def _jobs(plan: RunPlan, rules: Collection[str]) -> dict[str, list[str]]:
    """Return jobs of rules, for all runs and encoders of a configuration."""
    runs, encoders = list(plan.runs), list(plan.encoders)
    return {rule: runs if rule == "pretrain_encoders" else encoders for rule in rules}


def _keys(
    values: dict[str, Any], rules: Collection[str], *, is_submitted: bool = False
) -> list[str]:
    plan = plan_of(values)
    try:
        check_machine(plan, jobs=_jobs(plan, rules), is_submitted=is_submitted)
    except ConfigError as error:
        return [line.partition(":")[0] for line in str(error).splitlines()[1:]]
    return []


@pytest.mark.parametrize(
    ("gpus", "expected"),
    [
        (
            0,
            [
                "reports.radgraph.device",
                "regions.training.device",
                "regions.detection.device",
                "pretraining.runs.one.device",
                "pretraining.runs.four.device",
                "evaluation.device",
            ],
        ),
        (1, ["regions.detection.device", "pretraining.runs.four.device"]),
        (2, ["pretraining.runs.four.device"]),
        (4, []),
        (None, []),
    ],
)
def test_a_job_needs_its_gpus(
    monkeypatch: pytest.MonkeyPatch, gpus: int | None, expected: list[str]
) -> None:
    monkeypatch.setattr("asg_core.plan.machine.count_gpus", lambda: gpus)
    monkeypatch.setattr("asg_core.plan.machine.look_up", lambda *_, **__: Found.CACHE)

    assert _keys(ON_CUDA, RULES) == expected
    # What is made already needs none, nor does the machine that submits to others.
    assert _keys(ON_CUDA, ["build_summary", "train_tokenizer"]) == []
    assert _keys(ON_CUDA, RULES, is_submitted=True) == []


FROM_HUB: dict[str, Any] = {
    "reports": {"parser": "radgraph"},
    "pretraining": {
        "model": {
            "image_encoder": {"name": "resnet50.a1_in1k", "pretrained": True},
            "text_encoder": {"name": "someone/bert"},
        }
    },
    "evaluation": {
        "encoders": {
            "imagenet": {
                "kind": "timm",
                "image_encoder": {"name": "resnet18", "pretrained": True},
            }
        }
    },
}


def test_names_of_the_hub_are_looked_up_for_the_jobs_that_use_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[object, ...]] = []

    def look_up(repository: str, *, is_whole: bool, file: str) -> Found:
        asked.append((repository, is_whole, file))
        return Found.OFFLINE

    monkeypatch.setattr("asg_core.plan.machine.look_up", look_up)
    monkeypatch.setattr("asg_core.plan.machine.published_repository", timm_repository)
    text = "pretraining.model.text_encoder.name"
    image = "pretraining.runs.full.model.image_encoder.pretrained"
    imagenet = "evaluation.encoders.imagenet.image_encoder.pretrained"

    assert _keys(FROM_HUB, ["train_tokenizer"]) == [text]
    assert _keys(FROM_HUB, ["pretrain_encoders"]) == [text, image]
    assert _keys(FROM_HUB, ["extract_features"], is_submitted=True) == [imagenet]
    assert _keys(FROM_HUB, ["extract_triplets"]) == ["reports.radgraph.model_folder"]
    second = {"second_opinion": {"parser": "radgraph"}}
    asked_twice = FROM_HUB | {"reports": {}, "check_triplets": second}
    assert _keys(asked_twice, ["extract_triplets"]) == []
    assert _keys(asked_twice, ["compare_triplets"]) == ["reports.radgraph.model_folder"]
    assert _keys(FROM_HUB, ["build_summary"]) == []
    assert set(asked) == {
        ("someone/bert", True, "config.json"),
        ("timm/resnet50.a1_in1k", True, "*"),
        ("timm/resnet18", False, "*"),
        ("timm/resnet18", True, "*"),  # where timm itself says, when there is nothing
        ("StanfordAIMI/RRG_scorers", True, "radgraph-xl.tar.gz"),
    }


def test_what_is_made_already_needs_no_gpu_and_no_hub(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("asg_core.plan.machine.count_gpus", lambda: 0)
    monkeypatch.setattr("asg_core.plan.machine.look_up", lambda *_, **__: Found.OFFLINE)
    plan = plan_of(
        {
            "pretraining": {
                "device": "cuda",
                "model": {"text_encoder": {"name": None}},
                "runs": {"done": {}, "new": {"device": "cpu"}},
            },
            "evaluation": {
                "encoders": {
                    "old": {
                        "kind": "timm",
                        "image_encoder": {"name": "resnet18", "pretrained": True},
                    },
                    "mine": {"kind": "pixels"},
                }
            },
        }
    )

    jobs = {"pretrain_encoders": ["new"], "evaluate_encoder": ["mine"]}
    check_machine(plan, jobs=jobs, is_submitted=False)
    with pytest.raises(ConfigError, match=r"runs\.done\.device"):
        check_machine(plan, jobs={"pretrain_encoders": ["done"]}, is_submitted=False)
    with pytest.raises(ConfigError, match=r"encoders\.old\."):
        check_machine(plan, jobs={"evaluate_encoder": ["old"]}, is_submitted=False)


def test_weights_that_timm_keeps_elsewhere_are_looked_for_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "asg_core.plan.machine.look_up",
        lambda name, **_: Found.CACHE if name == "apple/clip" else Found.OFFLINE,
    )
    name = "vit_base_mci_224.apple_mclip"
    encoder = {"name": name, "pretrained": True}
    values = {
        "evaluation": {"encoders": {"x": {"kind": "timm", "image_encoder": encoder}}}
    }
    key = ["evaluation.encoders.x.image_encoder.pretrained"]

    places: dict[str | None, list[str]] = {
        "apple/clip": [],
        None: [],  # timm has an address and no name of the hub
        f"timm/{name}": key,
    }
    for place, refused in places.items():
        monkeypatch.setattr(
            "asg_core.plan.machine.published_repository", lambda _, p=place: p
        )
        assert _keys(values, ["evaluate_encoder"]) == refused


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Found.OFFLINE, "nothing in the cache, and HF_HUB_OFFLINE is set"),
        (Found.UNREACHABLE, "nothing in the cache, and the hub does not answer"),
        (
            Found.UNKNOWN,
            "no folder and nothing in the cache, and the hub knows no such",
        ),
    ],
)
def test_a_missing_name_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, found: Found, words: str
) -> None:
    monkeypatch.setattr("asg_core.plan.machine.look_up", lambda *_, **__: found)
    plan = plan_of(FROM_HUB)

    jobs = _jobs(plan, ["pretrain_encoders"])
    with pytest.raises(ConfigError) as caught:
        check_machine(plan, jobs=jobs, is_submitted=False)

    text, image = str(caught.value).splitlines()[1:]
    assert words in text
    assert words in image
    assert "give the path of one, or null" in text
    assert "`weights:` (pretraining.runs.full.model.image_encoder.weights)" in image
    assert "HF_HUB_OFFLINE=1" in text


@pytest.mark.parametrize("found", [Found.CACHE, Found.HUB])
def test_a_name_that_is_there_is_no_problem(
    monkeypatch: pytest.MonkeyPatch, found: Found
) -> None:
    monkeypatch.setattr("asg_core.plan.machine.look_up", lambda *_, **__: found)

    assert _keys(FROM_HUB, RULES) == []


def test_plans_and_checks_import_no_framework() -> None:
    code = (
        "import sys\n"
        "from asg_core.config import resolve_config\n"
        "from asg_core.plan.inventory import take_inventory\n"
        "from asg_core.plan.machine import check_machine\n"
        "from asg_core.plan.run import RunPlan\n"
        "from asg_core.plan.start import check_start\n"
        "from asg_core.plan.stage import StagePlan\n"
        "from asg_core.plan.summary import summary_inputs, summary_tables\n"
        "plan = RunPlan(resolve_config({}))\n"
        "check_start(plan)\n"
        "take_inventory(plan)\n"
        "summary_inputs(plan), summary_tables(plan)\n"
        "[StagePlan(plan, stage).log for stage in plan.stages]\n"
        "try:\n"
        "    jobs = {'pretrain_encoders': ['asg']}\n"
        "    check_machine(plan, jobs=jobs, is_submitted=False)\n"
        "except ValueError:\n"
        "    pass\n"
        "heavy = {'torch', 'transformers', 'timm', 'spacy', 'mlflow', 'pandas', 'polars'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )

    assert done.stdout.strip() == "[]"
