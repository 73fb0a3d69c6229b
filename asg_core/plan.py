"""What a configuration needs before its first job can start.

Everything here is known from the configuration and from a look at the files that it
names: no framework is imported, no data is read. A job that would fail for one of these
reasons after an hour in a queue is refused instead: for a file that is missing while the
graph of jobs is built, and for what the jobs of this invocation alone need, a GPU or the
model hub, before the first of them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from asg_core.config import ConfigError, ProjectConfig
from asg_core.gpus import count_gpus
from asg_core.learning.run_folder import DESCRIPTION, RUN_FILES
from asg_core.models.pretrained.folders import missing_parts
from asg_core.models.pretrained.hub import (
    Found,
    is_hub_name,
    look_up,
    published_repository,
    timm_repository,
)
from asg_core.regions.backends.detectron2_support import (
    detectron2_is_missing,
    detectron2_problems,
)
from asg_core.regions.detector_run import DetectorRun, read_detector_run
from asg_core.reports.config import RADGRAPH_REPOSITORY
from asg_core.reports.lexicon.load import load_lexicon
from asg_core.reports.parsers.scispacy.model import check_model

_TEXT = "pretraining.model.text_encoder.name"
_EVALUATES = frozenset({"extract_features", "evaluate_encoder"})


def check_start(project: ProjectConfig, *, uses_conda: bool = False) -> None:
    """Refuse a configuration whose files or models are not there.

    Args:
        project: The configuration.
        uses_conda: Whether the jobs run in environments of their own, so that a package
            that is missing here may be there.

    Raises:
        ConfigError: One line per problem, each with the key, what was expected, what was
            found and what to do.
    """
    problems = [
        *_unfit_detector(project),
        *_unfit_detectron2(project, uses_conda=uses_conda),
        *_missing_backbone(project),
        *_missing_weights(project),
        *_missing_encoder_folders(project),
        *_missing_text_folder(project),
        *_missing_checkpoints(project),
        *_missing_parser_files(project),
        *_unfit_lexicon(project),
        *_missing_sheet(project),
        *_missing_parser_model(project, uses_conda=uses_conda),
        *_missing_parser_package(project, uses_conda=uses_conda),
    ]
    _refuse(problems)


def check_machine(
    project: ProjectConfig, *, jobs: Mapping[str, Collection[str]], is_submitted: bool
) -> None:
    """Refuse jobs that need a GPU or the model hub where there is none.

    Args:
        project: The configuration.
        jobs: Names of the rules that have a job to do, each with the pre-training runs or
            the encoders that its jobs are about: what is made already needs nothing.
        is_submitted: Whether jobs run on other machines. Their GPUs are not looked for:
            the machine that submits seldom has one. The hub is, since its cache is
            on the disk that they share.

    Raises:
        ConfigError: One line per problem, as `check_start`.
    """
    _refuse(
        [
            *([] if is_submitted else _missing_gpus(project, jobs=jobs)),
            *_missing_on_hub(project, jobs=jobs),
        ]
    )


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        raise ConfigError("\n".join(["The run cannot start.", *problems]))


def _unfit_detector(project: ProjectConfig) -> Iterator[str]:
    """Yield what keeps the trained detector that is named from being applied."""
    folder = project.regions.checkpoint
    if not project.has_boxes or folder is None:
        return
    if not (folder / DESCRIPTION).exists():
        yield (
            f"regions.checkpoint: expected the folder of a trained detector with "
            f"model.safetensors and run.json, found no {folder / 'run.json'}. Give the "
            "folder results/<corpus>/detector of a finished run, or null to train."
        )
        return
    try:
        run = read_detector_run(folder)
    except (FileNotFoundError, ValueError) as error:
        yield f"regions.checkpoint: {error}"
        return
    if run.backend != project.regions.backend:
        yield (
            f"regions.backend: expected '{run.backend}', which trained the detector "
            f"{folder}, found '{project.regions.backend}'; change it, or name a detector "
            "of that backend."
        )
    if run.size != project.images.size:
        yield _wrong_size(project, run)


def _wrong_size(project: ProjectConfig, run: DetectorRun) -> str:
    """Return the sentence about `images.size`, with what would be refused next."""
    found = [
        f"{key} ({value})"
        for key, value in project.pretraining_sides.items()
        if value > run.size
    ]
    lowered = f" and lower {' and '.join(found)} with it" if found else ""
    return (
        f"images.size: expected {run.size}, the size of the images that the detector "
        f"{project.regions.checkpoint} was trained on, found {project.images.size}; set "
        f"it to {run.size}{lowered}, or train a detector for this size."
    )


def _unfit_detectron2(project: ProjectConfig, *, uses_conda: bool) -> Iterator[str]:
    """Yield what keeps detectron2 from training or applying a detector."""
    if not project.has_boxes or project.regions.backend != "detectron2":
        return
    missing = None if uses_conda else detectron2_is_missing()
    if missing is not None:
        yield missing
    if project.regions.checkpoint is None:
        yield from detectron2_problems(project.regions.training)


def _missing_backbone(project: ProjectConfig) -> Iterator[str]:
    weights = project.regions.training.backbone_weights
    trains = project.regions.backend == "torchvision" and not project.regions.checkpoint
    if project.has_boxes and trains and weights and not weights.is_file():
        yield (
            "regions.training.backbone_weights: expected a file of torchvision's weights, "
            f"found no {weights}. Give the path of a .safetensors or .pth file, or null."
        )


# Here and not in the rules: what an earlier run made would pass for as good as new.
def _missing_weights(project: ProjectConfig) -> Iterator[str]:
    for key, weights in project.named_weights.items():
        if weights.is_dir():
            yield (
                f"{key}: expected a file of weights, found the folder {weights}. Name "
                "the file in it; evaluation takes folders of transformers by "
                "evaluation.encoders.<name>.kind: transformers."
            )
        elif not weights.exists():
            yield (
                f"{key}: expected a file of weights, found no {weights}. Give the path "
                "of a .safetensors or .pth file, or null."
            )


def _missing_encoder_folders(project: ProjectConfig) -> Iterator[str]:
    for name, encoder in project.encoders.items():
        if encoder.kind != "transformers" or encoder.path is None:
            continue
        missing = missing_parts(encoder.path, with_vocabulary=False)
        if missing:
            yield (
                f"evaluation.encoders.{name}.path: expected the folder of an image "
                f"encoder of transformers, found {encoder.path} without "
                f"{' and '.join(missing)}."
            )


def _missing_text_folder(project: ProjectConfig) -> Iterator[str]:
    name = project.pretraining.model.text_encoder.name
    if not project.has_pretraining or name is None or is_hub_name(name):
        return
    missing = missing_parts(Path(name), with_vocabulary=True)
    if missing:
        yield (
            f"{_TEXT}: expected the folder of a text encoder, found {name} without "
            f"{' and '.join(missing)}. Name a folder with config.json, weights and "
            "vocabulary, a name on the model hub, or null for a small one from scratch."
        )


def _missing_checkpoints(project: ProjectConfig) -> Iterator[str]:
    runs = project.pretraining.runs if project.has_pretraining else {}
    made = {Path("results", project.corpus.name, "runs", run) for run in runs}
    for name, encoder in project.encoders.items():
        folder = encoder.path
        if encoder.kind != "checkpoint" or folder is None or folder in made:
            continue
        missing = [file for file in RUN_FILES if not (folder / file).is_file()]
        if missing:
            yield (
                f"evaluation.encoders.{name}.path: expected the folder of a finished run, "
                f"results/<corpus>/runs/<run>, found no {', '.join(missing)} in {folder}. "
                "Name another folder, or remove the encoder."
            )


def _missing_parser_files(project: ProjectConfig) -> Iterator[str]:
    for key, paths in project.reports.named_files.items():
        for path in paths:
            if not path.is_file():
                yield (
                    f"{key}: expected the file that reports.parser "
                    f"'{project.reports.parser}' reads, found no {path}. Name the file "
                    "or folder where it lies."
                )


def _unfit_lexicon(project: ProjectConfig) -> Iterator[str]:
    if project.reports.lexicon is None:
        return
    try:
        load_lexicon(project.reports.lexicon)
    except ValueError as error:
        yield f"reports.lexicon: {error}"


def _missing_sheet(project: ProjectConfig) -> Iterator[str]:
    sheet = project.check_triplets.filled
    if sheet and not sheet.is_file():
        yield (
            f"check_triplets.filled: expected a marked sheet, found no file {sheet}. "
            "Name the file that you have saved, or null to draw a sheet."
        )


def _missing_parser_model(project: ProjectConfig, *, uses_conda: bool) -> Iterator[str]:
    model = project.reports.scispacy.model
    if project.reports.parser != "scispacy" or (uses_conda and model.isidentifier()):
        return
    try:
        check_model(model)
    except ValueError as error:
        yield str(error)


def _missing_parser_package(
    project: ProjectConfig, *, uses_conda: bool
) -> Iterator[str]:
    if uses_conda or not project.reports.is_radgraph_model:
        return
    if find_spec("radgraph") is None:
        yield (
            "reports.radgraph: expected the package radgraph, whose model makes the "
            "graphs where reports.radgraph.graphs names none, found it not installed. "
            "Install it, name a file of graphs, run with --software-deployment-method "
            "conda, or use reports.parser: lexicon."
        )


def _missing_gpus(
    project: ProjectConfig, *, jobs: Mapping[str, Collection[str]]
) -> Iterator[str]:
    found = count_gpus()
    for key, needed in _gpus_needed(project, jobs=jobs).items():
        if found is not None and found < needed:
            yield (
                f"{key}: it needs {needed} GPU{'s' * (needed > 1)} here, and this "
                f"machine has {found} (looked for: the driver's devices, such as "
                "/dev/nvidia0, and CUDA_VISIBLE_DEVICES). Set it to cpu, or let a "
                "cluster run the jobs (docs/cluster.md)."
            )


def _gpus_needed(
    project: ProjectConfig, *, jobs: Mapping[str, Collection[str]]
) -> dict[str, int]:
    """Return how many GPUs the jobs that there are ask for, by the key that does."""
    needed: dict[str, int] = {}
    if "train_detector" in jobs:
        needed["regions.training.device"] = _gpus(project.regions.training.device)
    if "detect_regions" in jobs:
        needed["regions.detection.device"] = _gpus(project.regions.detection.device)
    if "extract_triplets" in jobs and project.reports.is_radgraph_model:
        needed["reports.radgraph.device"] = _gpus(project.reports.radgraph.device)
    trained = jobs.get("pretrain_encoders", ())
    for run in (name for name in project.pretraining.runs if name in trained):
        settings = project.pretraining.settings_of(run)
        one = _gpus(settings.device)
        key = f"pretraining.runs.{run}.device"
        needed[key] = max(one, settings.processes if one else 0)
    if jobs.keys() & _EVALUATES:
        needed["evaluation.device"] = _gpus(project.evaluation.device)
    return needed


def _gpus(device: str) -> int:
    """Return how many GPUs there must be for a device: 2 for cuda:1."""
    kind, _, number = device.partition(":")
    return int(number or 0) + 1 if kind == "cuda" else 0


def _missing_on_hub(
    project: ProjectConfig, *, jobs: Mapping[str, Collection[str]]
) -> Iterator[str]:
    asked: dict[str, Found] = {}
    for name in _hub_names(project, jobs=jobs):
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


def _hub_names(
    project: ProjectConfig, *, jobs: Mapping[str, Collection[str]]
) -> Iterator[_HubName]:
    text = project.pretraining.model.text_encoder.name
    reads_text = bool(jobs.keys() & {"train_tokenizer", "pretrain_encoders"})
    if reads_text and text and is_hub_name(text):
        yield _HubName(
            key=_TEXT,
            repository=text,
            file="config.json",
            instead="It is no folder here either: give the path of one, or null",
        )
    if "extract_triplets" in jobs and project.reports.is_radgraph_from_hub:
        yield _HubName(
            key="reports.radgraph.model_folder",
            repository=RADGRAPH_REPOSITORY,
            file=f"{project.reports.radgraph.model}.tar.gz",
            instead="Name a file of graphs in reports.radgraph.graphs or the folder of "
            "the model in reports.radgraph.model_folder",
        )
    for key, encoder in project.fetched_encoders.items():
        users = {"pretrain_encoders"} if key.startswith("pretraining.") else _EVALUATES
        # pretraining.runs.<run>. ..., evaluation.encoders.<encoder>. ...
        about = key.split(".")[2]
        if any(about in jobs.get(rule, ()) for rule in users):
            yield _HubName(
                key=f"{key}.pretrained",
                repository=timm_repository(encoder.name),
                is_whole="." in encoder.name,
                file="*",
                architecture=encoder.name,
                instead=f"Name a local file in `weights:` ({key}.weights)",
            )
