"""What the jobs of one invocation need of the machine: GPUs, and the model hub.

Asked before the first of them begins, and only for those that have something to do.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from asg_core.gpus import count_gpus
from asg_core.models.pretrained.hub import (
    Found,
    is_hub_name,
    look_up,
    published_repository,
    timm_repository,
)
from asg_core.plan.resources import Device, device_of
from asg_core.plan.run import RunPlan
from asg_core.plan.start import TEXT_ENCODER, image_encoders, refuse
from asg_core.reports.config import RADGRAPH_REPOSITORY
from asg_core.terms.stages import Stage

_EVALUATES = frozenset({Stage.EXTRACT_FEATURES, Stage.EVALUATE_ENCODER})

Jobs = Mapping[str, Collection[str]]
"""The rules that have a job to do, each with the runs or encoders that its jobs are about."""


def check_machine(plan: RunPlan, *, jobs: Jobs, is_submitted: bool) -> None:
    """Refuse jobs that need a GPU or the model hub where there is none.

    Args:
        plan: Of the configuration.
        jobs: The jobs that this invocation has to do: what is made already needs nothing.
        is_submitted: Whether jobs run on other machines. Their GPUs are not looked for:
            the machine that submits seldom has one. The hub is, since its cache is
            on the disk that they share.

    Raises:
        ConfigError: One line per problem, as `check_start`.
    """
    missing_gpus = [] if is_submitted else _missing_gpus(plan, jobs=jobs)
    refuse([*missing_gpus, *_missing_on_hub(plan, jobs=jobs)])


def _missing_gpus(plan: RunPlan, *, jobs: Jobs) -> Iterator[str]:
    found = count_gpus()
    for device in _devices(plan, jobs=jobs):
        needed = device.gpus_here
        if found is not None and found < needed:
            yield (
                f"{device.key}: it needs {needed} GPU{'s' * (needed > 1)} here, and this "
                f"machine has {found} (looked for: the driver's devices, such as "
                "/dev/nvidia0, and CUDA_VISIBLE_DEVICES). Set it to cpu, or let a "
                "cluster run the jobs (docs/cluster.md)."
            )


def _devices(plan: RunPlan, *, jobs: Jobs) -> list[Device]:
    """Return the devices of the jobs that there are, one for each key."""
    devices = {}
    for stage in (stage for stage in Stage if stage in jobs):
        of_runs = [run for run in plan.runs if run in jobs[stage]]
        for item in of_runs if stage is Stage.PRETRAIN_ENCODERS else [""]:
            device = device_of(plan, stage, item)
            if device is not None:
                devices[device.key] = device
    return list(devices.values())


def _missing_on_hub(plan: RunPlan, *, jobs: Jobs) -> Iterator[str]:
    asked: dict[str, Found] = {}
    for name in _hub_names(plan, jobs=jobs):
        if name.repository not in asked:
            asked[name.repository] = _look_up(name)
        found = asked[name.repository]
        if found not in (Found.CACHE, Found.HUB):
            yield (
                f"{name.key}: expected '{name.repository}' in the cache of the model hub "
                f"or on the hub, found {_NOT_FOUND[found]}. {name.instead}, or fill the "
                "cache where there is a network; with HF_HUB_OFFLINE=1 nothing is fetched."
            )


def _look_up(name: "_HubName") -> Found:
    found = look_up(name.repository, is_whole=name.is_whole, file=name.file)
    if name.architecture is None or found in (Found.CACHE, Found.HUB):
        return found
    # Some tags are kept under the name of another architecture, or not on the hub at all.
    repository = published_repository(name.architecture)
    if repository is None:
        return Found.HUB
    return look_up(repository, is_whole=True, file=name.file)


_NOT_FOUND = {
    Found.OFFLINE: "nothing in the cache, and HF_HUB_OFFLINE is set",
    Found.UNREACHABLE: "nothing in the cache, and the hub does not answer",
    Found.UNKNOWN: "no folder and nothing in the cache, and the hub knows no such name",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _HubName:
    """What a key asks of the model hub."""

    key: str
    repository: str
    is_whole: bool = True
    file: str
    instead: str
    """What to do where it is not to be had."""

    architecture: str | None = None
    """The name in timm, which knows where the weights really are."""


def _hub_names(plan: RunPlan, *, jobs: Jobs) -> Iterator[_HubName]:
    project = plan.project
    text = project.pretraining.model.text_encoder.name
    reads_text = bool(jobs.keys() & {Stage.TRAIN_TOKENIZER, Stage.PRETRAIN_ENCODERS})
    if reads_text and text and is_hub_name(text):
        yield _HubName(
            key=TEXT_ENCODER,
            repository=text,
            file="config.json",
            instead="It is no folder here either: give the path of one, or null",
        )
    read = [plan.reading_of(stage) for stage in Stage if stage in jobs]
    if any(one is not None and one.is_radgraph_from_hub for one in read):
        yield _HubName(
            key="reports.radgraph.model_folder",
            repository=RADGRAPH_REPOSITORY,
            file=f"{project.reports.radgraph.model}.tar.gz",
            instead="Name a file of graphs in reports.radgraph.graphs or the folder of "
            "the model in reports.radgraph.model_folder",
        )
    for key, encoder in image_encoders(plan).items():
        # pretraining.runs.<run>. ..., evaluation.encoders.<encoder>. ...
        section, _, about, *_ = key.split(".")
        users = _EVALUATES if section == "evaluation" else {Stage.PRETRAIN_ENCODERS}
        is_used = any(about in jobs.get(rule, ()) for rule in users)
        if encoder.pretrained and is_used:
            yield _HubName(
                key=f"{key}.pretrained",
                repository=timm_repository(encoder.name),
                is_whole="." in encoder.name,
                file="*",
                architecture=encoder.name,
                instead=f"Name a local file in `weights:` ({key}.weights)",
            )
