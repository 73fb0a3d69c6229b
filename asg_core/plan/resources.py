"""What the jobs of a stage ask the scheduler for: devices, CPUs and memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from asg_core.plan.run import RunPlan
from asg_core.terms.stages import Stage

_MEMORY_MB: Final[Mapping[Stage, int]] = {
    Stage.MAKE_SYNTHETIC: 2000,
    Stage.READ_SOURCE: 2000,
    Stage.READ_REPORTS: 2000,
    Stage.READ_ANNOTATIONS: 2000,
    Stage.EXTRACT_TRIPLETS: 2000,
    Stage.CACHE_PIXELS: 2000,
    Stage.TRAIN_DETECTOR: 6000,
    Stage.DETECT_REGIONS: 3000,
    Stage.IMPORT_REGIONS: 1000,
    Stage.ALIGN_REGIONS: 2000,
    Stage.TRAIN_TOKENIZER: 4000,
    Stage.TOKENIZE_REPORTS: 2000,
    Stage.READ_BENCHMARK: 4000,
    Stage.EXTRACT_FEATURES: 6000,
    Stage.EVALUATE_ENCODER: 6000,
    Stage.DRAW_TRIPLET_SHEET: 4000,
    Stage.SCORE_TRIPLET_SHEET: 4000,
    Stage.COMPARE_TRIPLETS: 2000,
    Stage.SCORE_TRIPLETS: 4000,
    Stage.SCORE_BOXES: 4000,
    Stage.SCORE_ALIGNMENTS: 4000,
    Stage.COUNT_TABLES: 4000,
    Stage.BUILD_SUMMARY: 4000,
}
"""Megabytes of a job, where no key decides them. A profile may ask for more: its
`set-resources` has the last word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """The device that the jobs of a stage compute on."""

    key: str
    """The key of the configuration that names it."""

    name: str
    """As torch has it: cpu, cuda, cuda:1."""

    processes: int = 1
    """How many processes of a job each want one."""

    @property
    def gpus(self) -> int:
        """How many GPUs a job asks the scheduler for."""
        return self.processes if self.name.startswith("cuda") else 0

    @property
    def gpus_here(self) -> int:
        """How many GPUs a machine must have for a job to run on it: 2 for cuda:1."""
        number = self.name.partition(":")[2]
        return max(int(number or 0) + 1, self.processes) if self.gpus else 0


def device_of(plan: RunPlan, stage: Stage, item: str = "") -> Device | None:
    """Return the device that the jobs of a stage compute on; None for the CPU at all times.

    Args:
        plan: Of the configuration.
        stage: Any.
        item: The run that a job makes, for `pretrain_encoders`.
    """
    project = plan.project
    reading = plan.reading_of(stage)
    if reading is not None and reading.is_radgraph_model:
        return Device(key="reports.radgraph.device", name=reading.radgraph.device)
    match stage:
        case Stage.TRAIN_DETECTOR:
            return Device(
                key="regions.training.device", name=project.regions.training.device
            )
        case Stage.DETECT_REGIONS:
            return Device(
                key="regions.detection.device", name=project.regions.detection.device
            )
        case Stage.PRETRAIN_ENCODERS:
            run = plan.runs[item]
            key = f"pretraining.runs.{item}.device"
            return Device(key=key, name=run.device, processes=run.processes)
        case Stage.EXTRACT_FEATURES | Stage.EVALUATE_ENCODER:
            return Device(key="evaluation.device", name=project.evaluation.device)
    return None


def threads_of(plan: RunPlan, stage: Stage, item: str = "") -> int:
    """Return the CPUs of a job: the configured ones, so that bytes do not depend on `--cores`.

    The arguments are those of `device_of`. Stages that compute with one thread only have 1.
    """
    project = plan.project
    match stage:
        case Stage.TRAIN_DETECTOR:
            return project.regions.training.threads
        case Stage.DETECT_REGIONS:
            return project.regions.detection.threads
        case Stage.PRETRAIN_ENCODERS:
            # Of all processes, and of the workers beside them.
            run = plan.runs[item]
            return run.processes * (run.threads + run.workers)
        case Stage.EXTRACT_FEATURES | Stage.EVALUATE_ENCODER:
            return project.evaluation.threads
    return 1


def memory_mb_of(plan: RunPlan, stage: Stage, item: str = "") -> int:
    """Return the memory of a job, in megabytes.

    The arguments are those of `device_of`.
    """
    if stage is Stage.PRETRAIN_ENCODERS:
        # Every process reads the corpus, and has its workers.
        run = plan.runs[item]
        return run.processes * (6000 + 1000 * run.workers)
    reading = plan.reading_of(stage)
    if reading is not None and reading.is_radgraph_model:
        return 6000
    return _MEMORY_MB[stage]
