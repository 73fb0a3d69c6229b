"""What one configuration makes: its stages, and the names of everything they make.

    plan = RunPlan(resolve_config(values))
    plan.stages                     # the stages that this run has
    plan.shards("tables/triplets")  # every shard of a table

Everything follows from the configuration: nothing is looked at, and no workflow engine is
imported. The rules of the workflow only name what is decided here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path

from asg_core.config import ProjectConfig
from asg_core.evaluation.config import EncoderConfig
from asg_core.learning.run_folder import RUN_FILES
from asg_core.models.pretrained.folders import transformers_files
from asg_core.plan.stages import STAGE_FILES
from asg_core.reports.config import ReportsConfig
from asg_core.tables.shards import shard_names
from asg_core.terms.stages import Stage
from asg_core.training.config import PretrainingSettings


@dataclass(frozen=True)
class RunPlan:
    """A configuration and what follows from it."""

    project: ProjectConfig

    @property
    def results(self) -> str:
        """The folder of all that the run makes."""
        return f"results/{self.project.corpus.name}"

    @property
    def is_synthetic(self) -> bool:
        """Whether the corpus is made by the run itself."""
        return self.project.corpus.source == "synthetic"

    @property
    def source_root(self) -> str:
        """The folder that the corpus is read from."""
        corpus = self.project.corpus
        return f"{self.results}/source" if self.is_synthetic else str(corpus.root)

    @property
    def manifest(self) -> list[str]:
        """The file that says that a synthetic corpus is whole; none of a real one."""
        return [f"{self.source_root}/manifest.json"] if self.is_synthetic else []

    @property
    def annotations_root(self) -> str:
        """The folder that annotated boxes are read from."""
        root = self.project.annotations.root
        return self.source_root if root is None else str(root)

    @property
    def datasets(self) -> str:
        """The folder of the benchmarks in our form: one for all corpora.

        Those of the synthetic world belong to one corpus.
        """
        return f"{self.results}/datasets" if self.is_synthetic else "results/datasets"

    @property
    def detector(self) -> Path:
        """The folder of the detector: one that is named, or the run's own."""
        return self.project.regions.checkpoint or Path(self.results) / "detector"

    @cached_property
    def shard_names(self) -> list[str]:
        """The names of the shards of every table; none without a corpus."""
        corpus = self.project.corpus
        return shard_names(corpus.shards) if self.project.has_corpus else []

    @cached_property
    def runs(self) -> Mapping[str, PretrainingSettings]:
        """The pre-training runs that are made, with their whole settings."""
        pretraining = self.project.pretraining
        names = pretraining.runs if self.project.has_pretraining else ()
        return {name: pretraining.settings_of(name) for name in names}

    @cached_property
    def encoders(self) -> Mapping[str, EncoderConfig]:
        """The encoders of the configuration; see `ProjectConfig.encoders`."""
        return self.project.encoders

    @cached_property
    def benchmarks(self) -> Mapping[str, Path | None]:
        """The roots of the benchmarks; None: made with the corpus."""
        return self.project.benchmarks

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that this run has, in the order of the pipeline."""
        project = self.project
        backend, boxes = project.regions.backend, project.has_boxes
        is_marked = project.check_triplets.filled is not None
        trains_detector = backend != "import" and project.regions.checkpoint is None
        evaluates = bool(self.encoders and self.benchmarks)
        conditions = {
            Stage.MAKE_SYNTHETIC: self.is_synthetic,
            Stage.READ_SOURCE: project.has_corpus,
            Stage.READ_REPORTS: project.has_corpus,
            Stage.READ_ANNOTATIONS: self._has_annotations,
            Stage.EXTRACT_TRIPLETS: project.has_corpus,
            Stage.CACHE_PIXELS: project.has_images,
            Stage.TRAIN_DETECTOR: boxes and trains_detector,
            Stage.DETECT_REGIONS: boxes and backend != "import",
            Stage.IMPORT_REGIONS: boxes and backend == "import",
            Stage.ALIGN_REGIONS: boxes,
            Stage.TRAIN_TOKENIZER: project.has_pretraining,
            Stage.TOKENIZE_REPORTS: project.has_pretraining,
            Stage.PRETRAIN_ENCODERS: project.has_pretraining,
            Stage.READ_BENCHMARK: evaluates,
            Stage.EXTRACT_FEATURES: evaluates,
            Stage.EVALUATE_ENCODER: evaluates,
            # One or the other: a marked sheet may lie where it was drawn, and must not
            # be drawn again.
            Stage.DRAW_TRIPLET_SHEET: project.has_corpus and not is_marked,
            Stage.SCORE_TRIPLET_SHEET: project.has_corpus and is_marked,
            Stage.COMPARE_TRIPLETS: project.has_corpus
            and project.check_triplets.second_opinion.is_wanted,
            Stage.SCORE_TRIPLETS: self.is_synthetic,
            Stage.SCORE_BOXES: self._reference_boxes is not None,
            Stage.SCORE_ALIGNMENTS: self.is_synthetic and boxes,
            Stage.COUNT_TABLES: True,
            Stage.BUILD_SUMMARY: True,
        }
        return tuple(stage for stage in Stage if conditions.get(stage, False))

    @cached_property
    def domains(self) -> Mapping[str, list[str]]:
        """The values of every wildcard: an output is asked for with each of them."""
        evaluates = Stage.EVALUATE_ENCODER in self.stages
        return {
            "shard": self.shard_names,
            "run": list(self.runs),
            "encoder": list(self.encoders) if evaluates else [],
            "benchmark": list(self.benchmarks) if evaluates else [],
        }

    def shard(self, place: str) -> str:
        """Return the file of one shard below `place`, such as "tables/triplets"."""
        return f"{self.results}/{place}/shard-{{shard}}.parquet"

    def shards(self, place: str) -> list[str]:
        """Return the files of all shards below `place`."""
        return [self.shard(place).format(shard=name) for name in self.shard_names]

    def files(self, pattern: str) -> list[str]:
        """Return a file for all values of the wildcards in its name."""
        named = {
            key: names for key, names in self.domains.items() if f"{{{key}}}" in pattern
        }
        return [
            pattern.format(**dict(zip(named, values, strict=True)))
            for values in product(*named.values())
        ]

    def evaluation(self, name: str) -> str:
        """Return a file of the evaluation of one encoder on one benchmark."""
        return f"{self.results}/evaluation/{{encoder}}/{{benchmark}}/{name}"

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """The names of the sharded tables that this run makes."""
        return tuple(
            name for stage in self.stages for name in STAGE_FILES[stage].tables
        )

    @cached_property
    def reference_boxes(self) -> list[str]:
        """The boxes that found ones are scored against; none where there are none."""
        return (
            [] if self._reference_boxes is None else self.shards(self._reference_boxes)
        )

    def rejects_of(self, stage: Stage) -> str:
        """Return the file of rejects of one job of a stage."""
        about = STAGE_FILES[stage]
        return f"{self.results}/tables/rejects/{about.rows_of or stage}/{about.item}.parquet"

    def metrics_of(self, stage: Stage) -> str:
        """Return the file that a stage writes of the table `stage_metrics`."""
        return f"{self.results}/tables/stage_metrics/{stage}.parquet"

    @cached_property
    def reject_files(self) -> list[str]:
        """The rejects of all jobs of all stages."""
        return [
            file
            for stage in self.stages
            if STAGE_FILES[stage].has_rejects
            for file in self.files(self.rejects_of(stage))
        ]

    @cached_property
    def metric_stages(self) -> tuple[Stage, ...]:
        """The stages that write a file of the table `stage_metrics`."""
        return tuple(stage for stage in self.stages if STAGE_FILES[stage].has_metrics)

    @cached_property
    def metric_files(self) -> list[str]:
        """The files of the table `stage_metrics`."""
        return [self.metrics_of(stage) for stage in self.metric_stages]

    @property
    def table_files(self) -> dict[str, list[str]]:
        """The shards of every table, by its name."""
        return {table: self.shards(f"tables/{table}") for table in self.tables}

    @property
    def sheet_folder(self) -> str:
        """The folder of the sheet that a person marks, and of its scores."""
        return f"{self.results}/check_triplets"

    @property
    def sheet_scores(self) -> dict[str, list[str]]:
        """The scores of a marked sheet by table; none where no sheet is named."""
        if Stage.SCORE_TRIPLET_SHEET not in self.stages:
            return {}
        return {
            "triplet_scores": [f"{self.sheet_folder}/scores.parquet"],
            "triplet_confusions": [f"{self.sheet_folder}/confusions.parquet"],
        }

    def reading_of(self, stage: Stage) -> ReportsConfig | None:
        """Return how the jobs of a stage read reports; None where they read none."""
        match stage:
            case Stage.EXTRACT_TRIPLETS:
                return self.project.reports
            case Stage.COMPARE_TRIPLETS:
                return self.project.second_reports
        return None

    def parser_environment(self, stage: Stage) -> str:
        """Return the environment in `envs/` of a job that reads reports."""
        reading = self.reading_of(stage)
        is_model = reading is not None and reading.is_radgraph_model
        return "radgraph" if is_model else "data"

    @property
    def detector_environment(self) -> str:
        """The environment in `envs/` of a job of the detector."""
        backend = self.project.regions.backend
        return "detectron2" if backend == "detectron2" else "train"

    def parser_files(self, stage: Stage) -> list[str]:
        """Return the files that the parser of a stage reads: graphs, or a model."""
        reading = self.reading_of(stage)
        named = {} if reading is None else reading.named_files
        return _paths(path for paths in named.values() for path in paths)

    @property
    def second_triplets(self) -> list[str]:
        """The triplets made elsewhere that are compared with those of the run."""
        return _paths(self.project.check_triplets.second_opinion.files)

    def initial_files(self, run: str) -> list[str]:
        """Return the files that a run starts from: an earlier run, and named weights."""
        settings = self.runs[run]
        weights = settings.model.image_encoder.weights
        files = [] if weights is None else [str(weights)]
        if settings.initial is None:
            return files
        return files + [f"{settings.initial}/{name}" for name in RUN_FILES]

    def encoder_files(self, encoder: str) -> list[str]:
        """Return the files that an encoder is loaded from."""
        config = self.encoders[encoder]
        weights = config.image_encoder and config.image_encoder.weights
        match config.kind:
            case "run":
                return [
                    f"{self.results}/runs/{config.run}/{name}" for name in RUN_FILES
                ]
            case "checkpoint":
                return [f"{config.path}/{name}" for name in RUN_FILES]
            case "transformers" if config.path is not None:
                return _paths(transformers_files(config.path))
        return [] if weights is None else [str(weights)]

    def benchmark_root(self, benchmark: str) -> str:
        """Return the folder that a benchmark is read from."""
        root = self.benchmarks[benchmark]
        own = f"{self.source_root}/benchmarks/{benchmark}"
        return own if root is None else str(root)

    def benchmark_manifest(self, benchmark: str) -> list[str]:
        """Return what a benchmark of the synthetic world waits for."""
        return self.manifest if self.benchmarks[benchmark] is None else []

    @property
    def _has_annotations(self) -> bool:
        return self.project.has_boxes and self.project.annotations.source != "none"

    @property
    def _reference_boxes(self) -> str | None:
        """The table of boxes that the found ones can be scored against, if there is one."""
        if self.is_synthetic and self.project.has_boxes:
            return "truth/region_boxes"
        # Imported boxes are the annotated ones themselves.
        is_other = self.project.regions.backend != "import"
        return "tables/annotated_boxes" if self._has_annotations and is_other else None


def _paths(paths: Iterable[Path]) -> list[str]:
    return [str(path) for path in paths]
