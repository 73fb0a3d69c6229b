"""What a configuration needs before its first job can start.

Everything here is known from the configuration and from a look at the files that it
names: no framework is imported, no data is read. A job that would fail for one of these
reasons after an hour in a queue is refused while the graph of jobs is built instead.
"""

from collections.abc import Iterator

from asg_core.config import ConfigError, ProjectConfig
from asg_core.reports.scispacy_model import check_model


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
        *_missing_detector(project),
        *_missing_weights(project),
        *_missing_parser_files(project),
        *_missing_sheet(project),
        *_missing_parser_model(project, uses_conda=uses_conda),
    ]
    if problems:
        raise ConfigError("\n".join(["The run cannot start.", *problems]))


def _missing_detector(project: ProjectConfig) -> Iterator[str]:
    folder = project.regions.checkpoint
    if not project.has_boxes or folder is None:
        return
    if not (folder / "run.json").exists():
        yield (
            f"regions.checkpoint: expected the folder of a trained detector with "
            f"model.safetensors and run.json, found no {folder / 'run.json'}. Give the "
            "folder results/<corpus>/detector of a finished run, or null to train."
        )


# Here and not in the rules: what an earlier run made would pass for as good as new.
def _missing_weights(project: ProjectConfig) -> Iterator[str]:
    for key, weights in project.named_weights.items():
        if not weights.exists():
            yield (
                f"{key}: expected a file of weights, found no {weights}. Give the path "
                "of a .safetensors or .pth file, or null."
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


def _missing_sheet(project: ProjectConfig) -> Iterator[str]:
    sheet = project.check_triplets.filled
    if sheet and not sheet.is_file():
        yield (
            f"check_triplets.filled: expected a marked sheet, found no file {sheet}. "
            "Name the CSV that you have saved, or null to draw a sheet."
        )


def _missing_parser_model(project: ProjectConfig, *, uses_conda: bool) -> Iterator[str]:
    model = project.reports.scispacy.model
    if project.reports.parser != "scispacy" or (uses_conda and model.isidentifier()):
        return
    try:
        check_model(model)
    except ValueError as error:
        yield str(error)
