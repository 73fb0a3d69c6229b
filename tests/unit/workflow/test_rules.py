"""What the rules say, read as text: a slip in one shows here and not after hours of a run."""

import ast
import re
from typing import Any

import pytest

from asg_core.config import resolve_config
from asg_core.plan.resources import device_of, threads_of
from asg_core.plan.run import RunPlan
from asg_core.plan.settings import settings_of
from asg_core.plan.stages import STAGE_FILES
from asg_core.plan.targets import Target
from asg_core.terms.stages import Stage
from support.checkout import ROOT
from support.rule_files import defined_rules, read_rules, target_rules

RULES = read_rules()
MIMIC = {"name": "mimic", "source": "mimic_cxr", "root": "/data"}
OPEN_I = {"name": "reports", "source": "open_i", "root": "/data", "images": "none"}
PIXELS = {"encoders": {"pixels": {"kind": "pixels"}}}
NIH = {"benchmarks": {"nih": {"root": "/nih"}}}

ITEMS = {"{run}": "run", "{benchmark}": "benchmark", "{encoder}-{benchmark}": "encoder"}
"""What the jobs of a stage are about -> the wildcard that their settings depend on."""


def plan_of(**sections: object) -> RunPlan:
    return RunPlan(resolve_config(sections))


ON_CUDA = plan_of(
    reports={"parser": "radgraph", "radgraph": {"device": "cuda"}},
    regions={
        "training": {"device": "cuda", "threads": 7},
        "detection": {"device": "cuda", "threads": 7},
    },
    pretraining={"device": "cuda", "threads": 7},
    evaluation={"device": "cuda", "threads": 7},
)
"""Everything that a key can move to a GPU is on one, and nothing computes in one thread."""

SECOND_ON_CUDA = plan_of(
    reports={"radgraph": {"device": "cuda"}},
    check_triplets={"second_opinion": {"parser": "radgraph"}},
)
"""The stage that only a run with a second parser has."""

each_rule = pytest.mark.parametrize("name", RULES)


def per_item(name: str, ask: str) -> str:
    """Return how a rule asks its stage for what may differ between its jobs."""
    wildcard = ITEMS.get(STAGE_FILES[Stage(name)].item)
    return f"per('{wildcard}', stage.{ask})" if wildcard else f"stage.{ask}()"


@pytest.mark.parametrize(
    "sections",
    [
        {},
        {"check_triplets": {"filled": "sheet.xlsx"}},
        {"check_triplets": {"second_opinion": {"parser": "scispacy"}}},
        {"corpus": OPEN_I},
        {"corpus": MIMIC},
        {"corpus": MIMIC, "regions": {"backend": "none"}},
        {"corpus": MIMIC, "regions": {"backend": "import"}},
        {"corpus": MIMIC, "regions": {"checkpoint": "/detector"}},
        {"pretraining": {"enabled": False}},
        {"evaluation": {"encoders": {}}},
        {"evaluation": PIXELS | NIH},
        {"corpus": OPEN_I, "evaluation": PIXELS | NIH},
    ],
    ids=str,
)
def test_a_run_has_the_rules_of_its_stages(sections: dict[str, Any]) -> None:
    plan = plan_of(**sections)

    assert sorted(defined_rules(plan)) == sorted(plan.stages)


def test_a_target_asks_for_its_own_outputs() -> None:
    own = {target.value: f"outputs_of(Target.{target.name})" for target in Target}

    assert target_rules() == {"all": "everything()", "summary": "everything()"} | own


@each_rule
def test_a_rule_is_of_its_own_stage_and_runs_with_the_digest_of_its_code(
    name: str,
) -> None:
    rule = RULES[name]

    assert rule.plan == f"StagePlan(plan, Stage.{Stage(name).name})"
    assert rule.one("log") == "stage.log"
    assert rule.one("benchmark") == "stage.timing"
    assert rule.one("script") == f"'../scripts/{name}.py'"
    assert rule.entries["params"]["code"] == "digest(stage)"


@each_rule
def test_a_rule_declares_the_files_of_its_stage(name: str) -> None:
    files, outputs = STAGE_FILES[Stage(name)], RULES[name].entries["output"]

    assert ("stage.rejects" in outputs.values()) == files.has_rejects
    assert ("stage.metrics" in outputs.values()) == files.has_metrics
    tables = re.findall(r"plan\.shard\('tables/(\w+)'\)", " ".join(outputs.values()))
    assert tuple(tables) == files.tables


def test_a_script_that_fills_a_folder_has_each_file_declared() -> None:
    """Snakemake misses only what is declared; the script itself names no such file."""
    runs = {"model": ["model.safetensors"], "run": ["run.json"]}
    transformers = ["config.json", "model.safetensors"]
    tokenizer = ["tokenizer.json", "tokenizer_config.json"]
    declared = {
        name: {
            output: re.findall(r"([\w.]+\.\w+)['\"]", said)
            for output, said in RULES[name].entries["output"].items()
            if output != "rejects"
        }
        for name in ("read_benchmark", "evaluate_encoder", "pretrain_encoders")
    }

    assert declared == {
        "read_benchmark": {
            **{
                name: [f"{name}.parquet"]
                for name in ("images", "labels", "boxes", "masks", "pixels")
            },
            "about": ["benchmark.json"],
        },
        "evaluate_encoder": {
            **{
                name: [f"{name}.parquet"]
                for name in ("scores", "segmentation_scores", "metrics")
            },
            "notes": ["notes.json"],
        },
        "pretrain_encoders": {
            **runs,
            "history": ["history.parquet"],
            "tokenizer": ["tokenizer.json"],
            "image_encoder": transformers,
            "text_encoder": [*transformers, *tokenizer],
        },
    }
    assert RULES["train_detector"].entries["output"].keys() == runs.keys()
    truth = {"manifest", "triplets", "sentences", "region_boxes", "metrics"}
    assert RULES["make_synthetic"].entries["output"].keys() == truth
    pages = {"index", "pages", "tables"}
    assert RULES["build_summary"].entries["output"].keys() == pages


@each_rule
def test_a_rule_passes_the_settings_of_what_its_job_is_about(name: str) -> None:
    plan, stage = plan_of(), Stage(name)
    item = {"run": "full", "benchmark": "nih", "encoder": "pixels"}
    wildcard = ITEMS.get(STAGE_FILES[stage].item, "")
    try:
        settings_of(plan, stage, item.get(wildcard, ""))
    except KeyError:
        expected = None  # no slice: the stage reads no section
    else:
        expected = per_item(name, "settings")

    assert RULES[name].entries["params"].get("config") == expected


@each_rule
def test_a_rule_asks_for_the_threads_and_gpus_that_the_configuration_names(
    name: str,
) -> None:
    rule, stage = RULES[name], Stage(name)
    item = "full" if stage is Stage.PRETRAIN_ENCODERS else ""

    # All encoders and benchmarks are computed on one device.
    each = per_item(name, "{}") if item else "stage.{}()"
    has_device = any(device_of(plan, stage, item) for plan in (ON_CUDA, SECOND_ON_CUDA))
    has_threads = threads_of(ON_CUDA, stage, item) > 1
    asked = rule.entries["resources"].get("gpu")
    assert asked == (each.format("gpus") if has_device else None)
    if has_threads:
        assert rule.one("threads") == each.format("threads")
    else:
        assert rule.one("threads").isdecimal()


def test_jobs_that_read_what_the_run_has_not_made_run_again_when_it_changes() -> None:
    digests = {
        name: rule.entries["params"]["files"]
        for name, rule in RULES.items()
        if "files" in rule.entries["params"]
    }

    assert digests == {
        "read_source": "per('shard', inventory.images)",
        "cache_pixels": "per('shard', inventory.images)",
        "read_reports": "per('shard', inventory.reports)",
        "read_annotations": "inventory.annotations",
        "read_benchmark": "per('benchmark', inventory.benchmarks)",
    }


@each_rule
def test_an_input_is_the_file_that_its_name_says(name: str) -> None:
    entries = RULES[name].entries.get("input", {})
    for given, said in entries.items():
        for folder, table in re.findall(r"'(\w+)/(\w+)'\)", said):
            of_truth = table.removeprefix("region_")  # truth_boxes
            names = {f"truth_{table}", f"truth_{of_truth}"}
            assert given in (names if folder == "truth" else {table})
        for output in re.findall(r"rules\.\w+\.output\.(\w+)", said):
            assert given == output


@each_rule
def test_a_script_reads_what_its_rule_gives(name: str) -> None:
    entries, read = RULES[name].entries, reads_of(name)

    # Of no use to the script: that they change is what runs it again.
    triggers = {"code", "files"} | (
        {"backend"} if name == Stage.DETECT_REGIONS else set()
    )
    assert read["params"] == entries["params"].keys() - triggers
    inputs = entries.get("input", {})
    assert "**" in inputs or read["input"] <= inputs.keys()
    assert read["output"] <= entries["output"].keys()
    assert not read["all outputs"] or read["outputs"] == entries["output"].keys()
    assert "**" in inputs or not read["inputs"] - inputs.keys()


def reads_of(name: str) -> dict[str, set[str]]:
    """Return which names a script reads of each part of the `snakemake` object.

    Under "inputs" and "outputs" are those that it looks up in a mapping of all of them.
    """
    tree = ast.parse((ROOT / "workflow" / "scripts" / f"{name}.py").read_text())
    text = ast.unparse(tree)
    found = {
        part: set(re.findall(rf"snakemake\.{part}\.(?!get\b|items\b)(\w+)", text))
        | set(re.findall(rf"snakemake\.{part}\.get\('(\w+)'", text))
        for part in ("input", "output", "params")
    }
    mapped = {"inputs": r"(?:tables|inputs)", "outputs": "outputs"}
    for key, argument in mapped.items():
        found[key] = set(re.findall(rf"\b{argument}\['(\w+)'\]", text))
    found["all outputs"] = set(re.findall(r"outputs=paths\(snakemake\.output\)", text))
    return found
