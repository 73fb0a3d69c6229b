"""What a configuration needs before its first job can start: the files and models it names.

Everything here is known from the configuration and from a look at the files that it
names: no framework is imported, no data is read. A job that would fail for one of these
reasons after an hour in a queue is refused instead, while the graph of jobs is built.
"""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from asg_core.config import ConfigError, ProjectConfig
from asg_core.learning.run_folder import DESCRIPTION, RUN_FILES
from asg_core.models.config import ImageEncoderConfig
from asg_core.models.pretrained.folders import missing_parts
from asg_core.models.pretrained.hub import is_hub_name
from asg_core.plan.run import RunPlan
from asg_core.regions.backends.detectron2_support import (
    detectron2_is_missing,
    detectron2_problems,
)
from asg_core.regions.detector_run import DetectorRun, read_detector_run
from asg_core.reports.lexicon.load import load_lexicon
from asg_core.reports.parsers.scispacy.model import check_model

TEXT_ENCODER = "pretraining.model.text_encoder.name"
"""The key that names the text encoder."""


def check_start(plan: RunPlan, *, uses_conda: bool = False) -> None:
    """Refuse a configuration whose files or models are not there.

    Args:
        plan: Of the configuration.
        uses_conda: Whether the jobs run in environments of their own, so that a package
            that is missing here may be there.

    Raises:
        ConfigError: One line per problem, each with the key, what was expected, what was
            found and what to do.
    """
    project = plan.project
    problems = [
        *_unfit_detector(project),
        *_unfit_detectron2(project, uses_conda=uses_conda),
        *_missing_backbone(project),
        *_missing_weights(plan),
        *_missing_encoder_folders(plan),
        *_missing_text_folder(project),
        *_missing_checkpoints(plan),
        *_missing_parser_files(project),
        *_unfit_lexicon(project),
        *_missing_sheet(project),
        *_missing_second(project),
        *_missing_parser_model(project, uses_conda=uses_conda),
        *_missing_parser_package(project, uses_conda=uses_conda),
    ]
    refuse(problems)


def refuse(problems: Sequence[str]) -> None:
    """Raise a `ConfigError` that lists the problems, where there are some."""
    if problems:
        raise ConfigError("\n".join(["The run cannot start.", *problems]))


def image_encoders(plan: RunPlan) -> dict[str, ImageEncoderConfig]:
    """Return the image encoders of timm that a run builds, by their key."""
    found = {
        f"pretraining.runs.{name}.model.image_encoder": run.model.image_encoder
        for name, run in plan.runs.items()
    }
    return found | {
        f"evaluation.encoders.{name}.image_encoder": encoder.image_encoder
        for name, encoder in plan.encoders.items()
        if encoder.image_encoder is not None
    }


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
def _missing_weights(plan: RunPlan) -> Iterator[str]:
    for name, encoder in image_encoders(plan).items():
        key, weights = f"{name}.weights", encoder.weights
        if weights is None:
            continue
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


def _missing_encoder_folders(plan: RunPlan) -> Iterator[str]:
    for name, encoder in plan.encoders.items():
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
            f"{TEXT_ENCODER}: expected the folder of a text encoder, found {name} without "
            f"{' and '.join(missing)}. Name a folder with config.json, weights and "
            "vocabulary, a name on the model hub, or null for a small one from scratch."
        )


def _missing_checkpoints(plan: RunPlan) -> Iterator[str]:
    made = {Path(plan.results, "runs", run) for run in plan.runs}
    for name, encoder in plan.encoders.items():
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
    for chooser, reports in project.readers.items():
        for key, paths in reports.named_files.items():
            for path in paths:
                if not path.is_file():
                    yield (
                        f"{key}: expected the file that {chooser} '{reports.parser}' "
                        f"reads, found no {path}. Name the file or folder where it lies."
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


def _missing_second(project: ProjectConfig) -> Iterator[str]:
    second = project.check_triplets.second_opinion
    if second.triplets is not None and not second.files:
        yield (
            "check_triplets.second_opinion.triplets: expected a Parquet file of the table "
            f"triplets, or a folder of such files, found none at {second.triplets}. Name "
            "the folder results/<corpus>/tables/triplets of another run, or null."
        )


def _missing_parser_model(project: ProjectConfig, *, uses_conda: bool) -> Iterator[str]:
    model = project.reports.scispacy.model
    is_used = any(one.parser == "scispacy" for one in project.readers.values())
    if not is_used or (uses_conda and model.isidentifier()):
        return
    try:
        check_model(model)
    except ValueError as error:
        yield str(error)


def _missing_parser_package(
    project: ProjectConfig, *, uses_conda: bool
) -> Iterator[str]:
    is_used = any(one.is_radgraph_model for one in project.readers.values())
    if uses_conda or not is_used:
        return
    if find_spec("radgraph") is None:
        yield (
            "reports.radgraph: expected the package radgraph, whose model makes the "
            "graphs where reports.radgraph.graphs names none, found it not installed. "
            "Install it, name a file of graphs, run with --software-deployment-method "
            "conda, or use reports.parser: lexicon."
        )
