"""The slice of the configuration that the jobs of each stage read.

A changed key re-runs the stages whose slice holds it, and what follows from them. A slice
is plain values: the workflow engine compares it with that of the last run.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

from asg_core.plan.run import RunPlan
from asg_core.reports.config import ReportsConfig
from asg_core.terms.stages import Stage

Slice = dict[str, Any]


def settings_of(plan: RunPlan, stage: Stage, item: str = "") -> Slice:
    """Return the keys that the jobs of a stage read, with their values.

    Args:
        plan: Of the configuration.
        stage: One that reads a section; `count_tables`, for instance, reads none.
        item: The run, the encoder or the benchmark that a job is about, where each has
            settings of its own.
    """
    return _SLICES[stage](plan, item)


def plain(part: BaseModel, *keys: str) -> Slice:
    """Return keys of a section (all, when none is named) as plain values."""
    values = part.model_dump(mode="json")
    return {key: values[key] for key in keys} if keys else values


def without(values: Mapping[str, Any], *keys: str) -> Slice:
    """Return all but some keys of plain values."""
    return {key: value for key, value in values.items() if key not in keys}


def _corpus(plan: RunPlan, _: str) -> Slice:
    """Return what decides what the readers make of a corpus's files.

    How it is made, and how its files are looked at, shows in the digest of the files.
    """
    return without(plain(plan.project.corpus), "synthetic", "inventory")


def _reports(plan: RunPlan, _: str) -> Slice:
    """Return what the configured parser reads: no section of another parser."""
    return _of_parser(plan.project.reports)


def _of_parser(reports: ReportsConfig) -> Slice:
    others = {"radgraph", "scispacy", "brat"} - {reports.parser}
    return without(plain(reports), *others)


def _second_opinion(plan: RunPlan, _: str) -> Slice:
    """Return what is compared, and how the second parser reads, if there is one.

    Files of triplets are compared under `reports.include_history` alone.
    """
    second = plan.project.second_reports
    read = (
        plain(plan.project.reports, "include_history")
        if second is None
        else _of_parser(second)
    )
    opinion = plan.project.check_triplets.second_opinion
    return {"second_opinion": plain(opinion), "reports": read}


def _tokenizer(plan: RunPlan, _: str) -> Slice:
    text = plan.project.pretraining.model.text_encoder
    decisive = plain(text, "name", "lower_case", "max_unknown_share")
    return decisive | {"scratch": plain(text.scratch, "vocabulary")}


def _pretraining(plan: RunPlan, run: str) -> Slice:
    """Return the whole settings of one run, and which images it trains on."""
    return plain(plan.runs[run]) | {"views": plain(plan.project.alignment)["views"]}


def _benchmark(plan: RunPlan, benchmark: str) -> Slice:
    """Return the keys of one benchmark; where it lies is told by its root."""
    values = plain(plan.project.evaluation.benchmarks)[benchmark]
    return {benchmark: values | {"root": None}}


def _features(plan: RunPlan, encoder: str) -> Slice:
    evaluation = plan.project.evaluation
    keys = ("batch_size", "device", "precision", "threads")
    return plain(evaluation, *keys) | {
        "encoder": plain(plan.encoders[encoder]),
        "has_patches": evaluation.needs_patches,
    }


def _protocols(plan: RunPlan, encoder: str) -> Slice:
    """Return what protocols read: which benchmarks and encoders there are is no part."""
    values = without(
        plain(plan.project.evaluation), "benchmarks", "encoders", "image_size"
    )
    return values | {"encoder": plain(plan.encoders[encoder])}


def _check(*keys: str) -> Callable[[RunPlan, str], Slice]:
    return lambda plan, _: plain(plan.project.check_triplets, *keys)


_SLICES: Mapping[Stage, Callable[[RunPlan, str], Slice]] = {
    Stage.MAKE_SYNTHETIC: lambda plan, _: plain(plan.project.corpus.synthetic),
    Stage.READ_SOURCE: _corpus,
    Stage.READ_REPORTS: _corpus,
    Stage.READ_ANNOTATIONS: lambda plan, _: plain(plan.project.annotations),
    Stage.EXTRACT_TRIPLETS: _reports,
    Stage.CACHE_PIXELS: lambda plan, _: plain(plan.project.images),
    Stage.TRAIN_DETECTOR: lambda plan, _: plain(plan.project.regions.training),
    Stage.DETECT_REGIONS: lambda plan, _: plain(plan.project.regions.detection),
    Stage.ALIGN_REGIONS: lambda plan, _: plain(plan.project.alignment),
    Stage.TRAIN_TOKENIZER: _tokenizer,
    Stage.PRETRAIN_ENCODERS: _pretraining,
    Stage.READ_BENCHMARK: _benchmark,
    Stage.EXTRACT_FEATURES: _features,
    Stage.EVALUATE_ENCODER: _protocols,
    Stage.DRAW_TRIPLET_SHEET: _check("num_reports", "seed"),
    Stage.SCORE_TRIPLET_SHEET: _check("seed", "max_unjudged_share"),
    Stage.COMPARE_TRIPLETS: _second_opinion,
    Stage.SCORE_ALIGNMENTS: lambda plan, _: plain(
        plan.project.alignment, "views", "contexts"
    ),
    Stage.BUILD_SUMMARY: lambda plan, _: plain(plan.project.summary),
}
