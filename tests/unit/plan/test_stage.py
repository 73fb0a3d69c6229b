"""What rules say of their jobs: names, GPUs, threads, memory."""

import pytest

from asg_core.config import resolve_config
from asg_core.plan.resources import device_of
from asg_core.plan.run import RunPlan
from asg_core.plan.stage import StagePlan
from asg_core.terms.stages import Stage

SHARD, RUN = "shard-{shard}", "{run}"
PAIR = "{encoder}-{benchmark}"


def stage_of(name: Stage, **sections: object) -> StagePlan:
    return StagePlan(RunPlan(resolve_config(sections)), name)


@pytest.mark.parametrize(
    ("name", "item"),
    [
        (Stage.READ_SOURCE, SHARD),
        (Stage.EXTRACT_TRIPLETS, SHARD),
        (Stage.PRETRAIN_ENCODERS, RUN),
        (Stage.READ_BENCHMARK, "{benchmark}"),
        (Stage.EXTRACT_FEATURES, PAIR),
        (Stage.COUNT_TABLES, "all"),
    ],
)
def test_files_of_a_job_are_named_after_the_stage_and_what_it_is_about(
    name: Stage, item: str
) -> None:
    stage = stage_of(name)

    assert stage.log == f"results/synthetic/logs/{name}/{item}.log"
    assert stage.timing == f"results/synthetic/timings/{name}/{item}.tsv"
    assert stage.rejects == f"results/synthetic/tables/rejects/{name}/{item}.parquet"
    assert stage.metrics == f"results/synthetic/tables/stage_metrics/{name}.parquet"


def test_imported_boxes_are_rejected_as_detected_ones_are() -> None:
    stage = stage_of(Stage.IMPORT_REGIONS)

    assert stage.log.endswith("logs/import_regions/shard-{shard}.log")
    assert stage.rejects.endswith("rejects/detect_regions/shard-{shard}.parquet")


RADGRAPH = {"parser": "radgraph", "radgraph": {"device": "cuda"}}
RUNS = {"one": {}, "four": {"processes": 4}, "slow": {"device": "cpu", "processes": 2}}
ON_CUDA = {
    "reports": RADGRAPH,
    "regions": {"training": {"device": "cuda"}, "detection": {"device": "cuda:1"}},
    "pretraining": {"device": "cuda", "threads": 2, "workers": 3, "runs": RUNS},
    "evaluation": {
        "device": "cuda:2",
        "threads": 5,
        "encoders": {"pixels": {"kind": "pixels"}},
    },
}


@pytest.mark.parametrize(
    ("name", "item", "asked", "needed"),
    [
        (Stage.EXTRACT_TRIPLETS, "", 1, 1),
        (Stage.TRAIN_DETECTOR, "", 1, 1),
        # A scheduler hides the others: one is asked for. By hand there must be two.
        (Stage.DETECT_REGIONS, "", 1, 2),
        (Stage.PRETRAIN_ENCODERS, "one", 1, 1),
        (Stage.PRETRAIN_ENCODERS, "four", 4, 4),
        (Stage.PRETRAIN_ENCODERS, "slow", 0, 0),
        (Stage.EXTRACT_FEATURES, "", 1, 3),
        (Stage.EVALUATE_ENCODER, "", 1, 3),
    ],
)
def test_a_job_asks_for_the_gpus_of_its_processes(
    name: Stage, item: str, asked: int, needed: int
) -> None:
    stage = stage_of(name, **ON_CUDA)
    device = device_of(stage.plan, name, item)

    assert stage.gpus(item) == asked
    assert device is not None
    assert device.gpus_here == needed


def test_the_model_of_a_second_parser_asks_for_its_gpu_and_memory() -> None:
    sections = {
        "reports": RADGRAPH | {"parser": "lexicon"},
        "check_triplets": {"second_opinion": {"parser": "radgraph"}},
    }
    second = stage_of(Stage.COMPARE_TRIPLETS, **sections)

    assert (second.gpus(), second.memory_mb()) == (1, 6000)
    assert stage_of(Stage.EXTRACT_TRIPLETS, **sections).gpus() == 0
    assert stage_of(Stage.COMPARE_TRIPLETS).memory_mb() == 2000


def test_jobs_on_the_cpu_ask_for_no_gpu() -> None:
    plan = RunPlan(resolve_config({}))

    for name in plan.stages:
        item = "full" if name is Stage.PRETRAIN_ENCODERS else ""
        assert StagePlan(plan, name).gpus(item) == 0
    assert stage_of(Stage.COMPARE_TRIPLETS, reports=RADGRAPH).gpus() == 0
    ready_made = {"parser": "radgraph", "radgraph": {"graphs": "/graphs.json"}}
    assert stage_of(Stage.EXTRACT_TRIPLETS, reports=ready_made).gpus() == 0


def test_threads_are_those_of_the_configuration() -> None:
    regions = {"training": {"threads": 3}, "detection": {"threads": 4}}
    sections = ON_CUDA | {"regions": regions}

    assert stage_of(Stage.TRAIN_DETECTOR, **sections).threads() == 3
    assert stage_of(Stage.DETECT_REGIONS, **sections).threads() == 4
    assert stage_of(Stage.EXTRACT_FEATURES, **sections).threads() == 5
    assert stage_of(Stage.EVALUATE_ENCODER, **sections).threads() == 5
    assert stage_of(Stage.CACHE_PIXELS, **sections).threads() == 1
    # 4 processes of 2 threads, and 3 workers beside each.
    assert stage_of(Stage.PRETRAIN_ENCODERS, **sections).threads("four") == 20


def test_memory_grows_with_processes_workers_and_models() -> None:
    pretraining = stage_of(Stage.PRETRAIN_ENCODERS, **ON_CUDA)

    assert pretraining.memory_mb("one") == 6000 + 3 * 1000
    assert pretraining.memory_mb("four") == 4 * (6000 + 3 * 1000)
    assert stage_of(Stage.EXTRACT_TRIPLETS, **ON_CUDA).memory_mb() == 6000
    assert stage_of(Stage.EXTRACT_TRIPLETS).memory_mb() == 2000


def test_every_stage_with_a_rule_asks_for_memory() -> None:
    runs = {Stage.PRETRAIN_ENCODERS: "one"}
    for stage in sorted(set(Stage) - {Stage.TABLES}):
        plan = stage_of(stage, **ON_CUDA)
        assert plan.memory_mb(runs.get(stage, "")) >= 1000
