"""The whole configuration: one closed tree, checked before the first job starts.

Every stage owns its part in its own `config.py`; this module only composes them. A run
is one YAML file that holds what differs from the defaults.
"""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from asg_core.alignment.config import AlignmentConfig
from asg_core.benchmarks.registry import BENCHMARKS
from asg_core.checking.config import TripletCheckConfig
from asg_core.evaluation.config import EncoderConfig, EvaluationConfig
from asg_core.evaluation.without_corpus import problems_without_corpus, with_source
from asg_core.images.config import ImagesConfig
from asg_core.redaction import redact
from asg_core.regions.config import RegionsConfig
from asg_core.reports.config import ReportsConfig
from asg_core.settings import Settings
from asg_core.sources.annotations.config import AnnotationsConfig
from asg_core.sources.registry import CorpusConfig
from asg_core.summary.config import SummaryConfig
from asg_core.tracking.config import PrivacyConfig, TrackingConfig
from asg_core.training.config import PretrainingConfig


class ConfigError(ValueError):
    """The configuration cannot be run; the message says which key and what to do."""


class ProjectConfig(Settings):
    """A run: a corpus and what is made of it."""

    # An address may hold a password. The rest is that of every section.
    model_config = ConfigDict(hide_input_in_errors=True)

    corpus: CorpusConfig = CorpusConfig()
    """Which data set is read, from where, and in how many shards."""

    reports: ReportsConfig = ReportsConfig()
    """How report texts become sentences and triplets."""

    check_triplets: TripletCheckConfig = TripletCheckConfig()
    """How a person checks a sample of the triplets: the target `check_triplets`."""

    images: ImagesConfig = ImagesConfig()
    """How image files become the pixel cache."""

    regions: RegionsConfig = RegionsConfig()
    """How anatomical boxes are learnt, found or imported."""

    alignment: AlignmentConfig = AlignmentConfig()
    """How boxes and sentences become units."""

    pretraining: PretrainingConfig = PretrainingConfig()
    """How the encoders are pre-trained, and which runs are made."""

    evaluation: EvaluationConfig = EvaluationConfig()
    """Which encoders are scored, on which benchmarks, under which protocols."""

    summary: SummaryConfig = SummaryConfig()
    """What the pages about a run show."""

    tracking: TrackingConfig = TrackingConfig()
    """Where MLflow records a run."""

    privacy: PrivacyConfig = PrivacyConfig()
    """What may leave the results folder."""

    @property
    def annotations(self) -> AnnotationsConfig:
        """`regions.annotations` with its source decided."""
        given = self.regions.annotations
        if given.source is not None:
            return given
        has_graphs = self.corpus.source in ("mimic_cxr", "synthetic")
        source = "chest_imagenome" if has_graphs else "none"
        return given.model_copy(update={"source": source})

    @property
    def second_reports(self) -> ReportsConfig | None:
        """How a second parser reads the reports; None where there is none."""
        second = self.check_triplets.second_opinion.parser
        if second is None:
            return None
        return self.reports.model_copy(update={"parser": second})

    @property
    def readers(self) -> dict[str, ReportsConfig]:
        """How reports are read, by the key that names the parser."""
        second = self.second_reports
        readers = {"reports.parser": self.reports}
        if second is not None:
            readers["check_triplets.second_opinion.parser"] = second
        return readers

    @property
    def has_corpus(self) -> bool:
        """Whether there is a corpus; without one, encoders are evaluated and no more."""
        return self.corpus.source != "none"

    @property
    def has_images(self) -> bool:
        """Whether images of the corpus are read."""
        return self.has_corpus and self.corpus.images == "files"

    @property
    def has_boxes(self) -> bool:
        """Whether the run goes on to boxes and alignments."""
        return self.has_images and self.regions.backend != "none"

    @property
    def has_pretraining(self) -> bool:
        """Whether the run goes on to pre-training."""
        return (
            self.has_boxes and self.pretraining.enabled and bool(self.pretraining.runs)
        )

    @property
    def benchmarks(self) -> dict[str, Path | None]:
        """The roots of the benchmarks that are read; None: made with the corpus."""
        roots: dict[str, Path | None] = {}
        for name in BENCHMARKS:
            root = self.evaluation.benchmarks.of(name).root
            is_made = self.corpus.synthetic.images_of(name, default=1) > 0
            if root is not None or (is_made and self.corpus.source == "synthetic"):
                roots[name] = root
        return roots

    @property
    def encoders(self) -> dict[str, EncoderConfig]:
        """The encoders that are evaluated, a random one with its architecture filled in.

        Of the default ones those of a run that is not made are left out.
        """
        return {
            name: self._with_architecture(encoder)
            for name, encoder in self.evaluation.encoders.items()
            if self.has_pretraining or encoder.run is None
        }

    def _with_architecture(self, encoder: EncoderConfig) -> EncoderConfig:
        if encoder.kind != "random" or encoder.run is None:
            return encoder
        run = self.pretraining.settings_of(encoder.run)
        architecture = run.model.image_encoder.architecture
        resize = run.crop.resize if encoder.resize is None else encoder.resize
        update = {"run": None, "image_encoder": architecture, "resize": resize}
        return encoder.model_copy(update=update)

    @property
    def pretraining_sides(self) -> dict[str, int]:
        """The sides of squares that are cut out of cached images, by their key."""
        sides: dict[str, int] = {}
        shared = self.pretraining
        for name in shared.runs if self.has_pretraining else ():
            run = shared.settings_of(name)
            own = f"pretraining.runs.{name}"
            is_shared = run.crop.resize == shared.crop.resize
            key = "pretraining" if is_shared else own
            sides[f"{key}.crop.resize"] = run.crop.resize
            size = run.model.image_encoder.size
            is_shared = size == shared.model.image_encoder.size
            key = "pretraining" if is_shared else own
            sides[f"{key}.model.image_encoder.size"] = size
        return sides

    @model_validator(mode="before")
    @classmethod
    def _decide_source(cls, values: Any) -> Any:  # noqa: ANN401 - not checked yet
        return with_source(values) if isinstance(values, Mapping) else values

    @model_validator(mode="after")
    def _check_synthetic_benchmarks(self) -> "ProjectConfig":
        unknown = sorted(self.corpus.synthetic.benchmarks.keys() - BENCHMARKS.keys())
        if unknown:
            raise ValueError(
                f"corpus.synthetic.benchmarks names '{unknown[0]}', and the benchmarks are "
                f"{list(BENCHMARKS)}: correct or remove it"
            )
        return self

    @model_validator(mode="after")
    def _check_without_corpus(self) -> "ProjectConfig":
        if self.has_corpus:
            return self
        problems = list(
            problems_without_corpus(
                self,
                has_encoders="encoders" in self.evaluation.model_fields_set,
                has_benchmarks=bool(self.benchmarks),
            )
        )
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @model_validator(mode="after")
    def _check_second_parser(self) -> "ProjectConfig":
        second = self.check_triplets.second_opinion.parser
        if second == self.reports.parser:
            raise ValueError(
                f"check_triplets.second_opinion.parser is '{second}', and so is "
                "reports.parser: name another one, or compare with what this parser made "
                "under another configuration by check_triplets.second_opinion.triplets"
            )
        return self

    @model_validator(mode="after")
    def _check_name(self) -> "ProjectConfig":
        if self.corpus.source != "synthetic" and self.corpus.name == "synthetic":
            message = (
                f"corpus.name is 'synthetic' while corpus.source is '{self.corpus.source}': "
                "name the corpus, or its tables would replace those of the demo"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _check_boxes_have_a_source(self) -> "ProjectConfig":
        regions = self.regions
        is_needed = regions.backend == "import" or regions.checkpoint is None
        if self.has_boxes and is_needed and self.annotations.source == "none":
            message = (
                f"regions.annotations.source is none while regions.backend is "
                f"'{regions.backend}', which needs annotated boxes: name their source, or "
                "give regions.checkpoint the folder of a trained detector, or set "
                "regions.backend to 'none' to end before the alignment"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _check_encoders_have_runs(self) -> "ProjectConfig":
        is_given = "encoders" in self.evaluation.model_fields_set
        for name, encoder in self.evaluation.encoders.items():
            if encoder.run is None or not (is_given or self.has_pretraining):
                continue
            runs = sorted(self.pretraining.runs) if self.has_pretraining else []
            if encoder.run not in runs:
                message = (
                    f"evaluation.encoders.{name}.run is '{encoder.run}', and the runs that "
                    f"this configuration makes are {runs}: name one of them, add it to "
                    "pretraining.runs, or remove the encoder"
                )
                raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _check_crops_fit(self) -> "ProjectConfig":
        size = self.images.size
        too_large = [
            f"{key} is {side}"
            for key, side in self.pretraining_sides.items()
            if side > size
        ]
        if too_large:
            message = (
                f"{' and '.join(too_large)}, and images.size is {size}: cached images "
                f"would be enlarged; raise images.size, or lower "
                f"{'all of them' if len(too_large) > 1 else 'it'} to {size} or less"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _check_some_view_is_used(self) -> "ProjectConfig":
        view = self.corpus.only_view
        if self.corpus.images == "none" or view is None:
            return self
        lists = {"corpus.views": self.corpus.views, "images.views": self.images.views}
        if self.has_boxes:
            lists["alignment.views"] = self.alignment.views
        missing = [key for key, views in lists.items() if view not in views]
        if missing:
            message = (
                f"every image of this corpus would have the view {view.value}, which "
                f"{' and '.join(missing)} leave out, so that none would be used: say which "
                "column or file names the views (corpus.table.columns.view, "
                "corpus.open_i.dicom_metadata), set corpus.table.default_view, or add "
                f"{view.value} to {' and '.join(missing)}"
            )
            raise ValueError(message)
        return self


def resolve_config(values: Mapping[str, Any]) -> ProjectConfig:
    """Return the checked configuration that `values` describe over the defaults.

    Raises:
        ConfigError: One sentence per problem, each with the key's full name.
    """
    try:
        return ProjectConfig.model_validate(dict(values))
    except ValidationError as error:
        problems = [_sentence(problem) for problem in error.errors()]
        raise ConfigError(
            "\n".join(["The configuration cannot be run.", *problems])
        ) from error


def read_config(path: Path) -> ProjectConfig:
    """Read and check one configuration file.

    Raises:
        ConfigError: If it is no YAML mapping, or does not describe a run.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        # Its own text quotes the line, which may be an address with its password.
        where = getattr(error, "problem_mark", None)
        place = f", line {where.line + 1}" if where else ""
        problem = getattr(error, "problem", None) or type(error).__name__
        raise ConfigError(f"{path}{place}: expected YAML: {problem}") from None
    if not isinstance(values, dict | None):
        found = redact(repr(values))
        raise ConfigError(f"{path}: expected a YAML mapping of keys, found {found}")
    return resolve_config(values or {})


def _sentence(problem: Mapping[str, Any]) -> str:
    location = tuple(str(part) for part in problem["loc"])
    key = ".".join(location)
    found = problem.get("input")
    if problem["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        close = difflib.get_close_matches(location[-1], known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"known keys: {known}"
        return f"{key}: expected a known key, found an unknown one; {hint}"
    expected = str(problem["msg"]).removeprefix("Value error, ")
    if isinstance(found, Mapping) or not key:
        return f"{key or 'configuration'}: {expected}"
    shown = repr(redact(found) if isinstance(found, str) else found)
    return f"{key}: {expected}, found {redact(shown)}; docs/config.md lists every key"


def _known_keys(location: tuple[str, ...]) -> list[str]:
    model: type[BaseModel] = ProjectConfig
    for part in location:
        field = model.model_fields.get(part)
        annotation = field.annotation if field else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return sorted(model.model_fields)
