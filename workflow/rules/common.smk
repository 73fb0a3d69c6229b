"""Names, paths and helpers that every rule file uses; the configuration is checked here."""

import json
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.io import strip_wildcard_constraints
from snakemake.settings.types import DeploymentMethod
from snakemake_interface_executor_plugins.settings import ExecMode

from asg_core.config import ConfigError, resolve_config
from asg_core.benchmarks.registry import BENCHMARKS as KNOWN_BENCHMARKS
from asg_core.benchmarks.readers import benchmark_inventory
from asg_core.learning.run_folder import RUN_FILES
from asg_core.models.pretrained.folders import transformers_files
from asg_core.plan import check_machine, check_start
from asg_core.provenance import code_digest
from asg_core.sources.inventory import (
    check_annotations,
    check_source,
    inventories,
    inventory_annotations,
    inventory_synthetic_benchmark,
)
from asg_core.summary.files import Scope, page_files, table_files
from asg_core.tables.shards import shard_names
from asg_core.terms.stages import Stage

SCRIPTS = Path(workflow.basedir) / "workflow" / "scripts"

# Stops before any job, with one sentence per wrong key.
try:
    project = resolve_config(config)
except ConfigError as error:
    raise WorkflowError(str(error)) from None

RESULTS = f"results/{project.corpus.name}"
HAS_CORPUS = project.has_corpus
SHARDS = shard_names(project.corpus.shards) if HAS_CORPUS else []
IS_SYNTHETIC = project.corpus.source == "synthetic"
HAS_IMAGES = project.has_images
SOURCE_ROOT = f"{RESULTS}/source" if IS_SYNTHETIC else str(project.corpus.root)
ANNOTATIONS = project.annotations
ANNOTATIONS_ROOT = SOURCE_ROOT if ANNOTATIONS.root is None else str(ANNOTATIONS.root)
HAS_BOXES = project.has_boxes
HAS_ANNOTATIONS = HAS_BOXES and ANNOTATIONS.source != "none"
HAS_PRETRAINING = project.has_pretraining
ENCODERS = project.encoders
BENCHMARKS = project.benchmarks
HAS_EVALUATION = bool(ENCODERS and BENCHMARKS)
# Benchmarks of the synthetic world are of one corpus; real ones serve every corpus.
DATASETS = f"{RESULTS}/datasets" if IS_SYNTHETIC else "results/datasets"
DETECTOR = project.regions.checkpoint or Path(RESULTS) / "detector"
DETECTOR_ENV = (
    "../../envs/detectron2.yaml"
    if project.regions.backend == "detectron2"
    else "../../envs/train.yaml"
)
IS_RADGRAPH_MODEL = project.reports.is_radgraph_model
PARSER_ENV = "../../envs/radgraph.yaml" if IS_RADGRAPH_MODEL else "../../envs/data.yaml"
MARKED_SHEET = project.check_triplets.filled
SAVED_INVENTORY = Path(RESULTS) / "inventory.json"

# With conda a package is in the rule's environment, where only the job can look.
USES_CONDA = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
try:
    check_start(project, uses_conda=USES_CONDA)
except ConfigError as error:
    raise WorkflowError(str(error)) from None

# The values of every wildcard. An output is asked for with each of them.
DOMAINS = {
    "shard": SHARDS,
    "run": list(project.pretraining.runs) if HAS_PRETRAINING else [],
    "encoder": list(ENCODERS) if HAS_EVALUATION else [],
    "benchmark": list(BENCHMARKS) if HAS_EVALUATION else [],
}
# A sheet is drawn when somebody asks for it: plain `snakemake` must not replace marks.
ON_DEMAND = ("draw_triplet_sheet",)


wildcard_constraints:
    shard="[0-9]{4}-of-[0-9]{4}",
    run="[a-z0-9_]+",
    encoder="[a-z0-9_]+",
    benchmark="|".join(KNOWN_BENCHMARKS),


def shards(table):
    """Return the paths of all shards of a table, such as "tables/triplets"."""
    return [f"{RESULTS}/{table}/shard-{shard}.parquet" for shard in SHARDS]


def settings(part, *keys):
    """Return keys of a configuration section (all, when none is named) as plain values."""
    values = part.model_dump(mode="json")
    return {key: values[key] for key in keys} if keys else values


def corpus_settings():
    """Return the keys of `corpus` that decide what the readers make of its files."""
    values = settings(project.corpus)
    return {key: values[key] for key in values if key not in ("synthetic", "inventory")}


def digest(script):
    """Return the digest of all package code and data that a rule's script can reach."""
    return code_digest(SCRIPTS / script)


def gpus(device):
    """Return how many GPUs a job on this device asks the scheduler for."""
    return int(device.startswith("cuda"))


def report_settings():
    """Return the keys of `reports` that the configured parser reads."""
    values = settings(project.reports)
    for parser in {"radgraph", "scispacy"} - {project.reports.parser}:
        values.pop(parser)
    return values


def parser_files():
    """Return the files that the configured parser reads: graphs, or a model."""
    return [
        str(path) for paths in project.reports.named_files.values() for path in paths
    ]


def parser_gpus():
    """Return how many GPUs a job of the configured parser asks the scheduler for."""
    return gpus(project.reports.radgraph.device) if IS_RADGRAPH_MODEL else 0


def source_inventory():
    """Return digests of the source's files, checking the source first.

    Of images and of reports per shard, and one of the annotations. A submitted job reads
    what the main process found (`save_inventory`), since a look at hundreds of thousands
    of files from every node would be a storm.
    """
    if workflow.exec_mode == ExecMode.REMOTE and SAVED_INVENTORY.exists():
        saved = json.loads(SAVED_INVENTORY.read_text())
        is_ours = sorted(saved["benchmarks"]) == sorted(BENCHMARKS)
        if list(saved["images"]) == SHARDS and is_ours:
            return saved
    corpus, root = project.corpus, Path(SOURCE_ROOT)
    annotations = {"config": ANNOTATIONS, "root": Path(ANNOTATIONS_ROOT)}
    try:
        check_source(config=corpus, root=root)
        if HAS_ANNOTATIONS and not (IS_SYNTHETIC and ANNOTATIONS.root is None):
            check_annotations(**annotations)
        digests = (
            inventories(config=corpus, root=root)
            if HAS_CORPUS
            else {"images": {}, "reports": {}}
        )
        digests["annotations"] = (
            inventory_annotations(**annotations, corpus=corpus)
            if HAS_ANNOTATIONS
            else None
        )
        digests["benchmarks"] = {
            name: benchmark_inventory_of(name) for name in BENCHMARKS
        }
    except (ValueError, OSError) as error:
        raise WorkflowError(str(error)) from None
    return digests


def benchmark_inventory_of(name):
    """Return the digest of a benchmark's files, checking the benchmark first."""
    if BENCHMARKS[name] is None:
        return inventory_synthetic_benchmark(Path(SOURCE_ROOT), benchmark=name)
    return benchmark_inventory(
        name, config=project.evaluation.benchmarks, root=BENCHMARKS[name]
    )


def check_jobs():
    """Refuse jobs that this machine, or the model hub, has not what they need for."""
    jobs = {}
    for job in workflow.dag.needrun_jobs():
        named = job.wildcards_dict
        about = jobs.setdefault(job.rule.name, set())
        about.update({named[key] for key in ("run", "encoder") if key in named})
    try:
        check_machine(project, jobs=jobs, is_submitted=workflow.non_local_exec)
    except ConfigError as error:
        raise WorkflowError(str(error)) from None


def save_inventory(digests):
    """Leave the digests for the jobs of this run on other machines, in one step."""
    SAVED_INVENTORY.parent.mkdir(parents=True, exist_ok=True)
    temporary = SAVED_INVENTORY.with_suffix(".tmp")
    temporary.write_text(json.dumps(digests))
    temporary.replace(SAVED_INVENTORY)


def image_files(wildcards):
    """Return the digest of the image files of a shard."""
    return INVENTORY["images"][wildcards.shard]


def report_files(wildcards):
    """Return the digest of the report files of a shard."""
    return INVENTORY["reports"][wildcards.shard]


def require_corpus():
    """Refuse a target that is made of a corpus where there is none."""
    if not HAS_CORPUS:
        raise WorkflowError(
            "This run has no corpus (corpus.source is 'none'), and the target is made of "
            "one. Name a corpus, or ask for evaluate or summary."
        )


def triplets_or_refusal(wildcards):
    """Return all that parsing makes; a sentence where there is no corpus."""
    require_corpus()
    # What the source could not use is told where studies are read.
    return declared_outputs("extract_triplets", "read_source")


def check_or_refusal(wildcards):
    """Return what check_triplets makes; a sentence where there is no corpus."""
    require_corpus()
    return CHECK_OUTPUTS


def boxes_or_refusal(wildcards):
    """Return region_boxes and their rejects; a sentence where the run makes none."""
    require_corpus()
    if not HAS_BOXES:
        raise WorkflowError(
            f"This run makes no boxes: corpus.images is '{project.corpus.images}' and "
            f"regions.backend is '{project.regions.backend}', where the target needs "
            "'files' and a backend. Set them, or ask for the target triplets."
        )
    return declared_outputs("detect_regions", "import_regions")


def alignments_or_refusal(wildcards):
    """Return all that align_regions makes; a sentence where the run makes none."""
    boxes_or_refusal(wildcards)
    return declared_outputs("align_regions")


def reference_boxes():
    """Return the boxes that detections are scored against; none where there are none."""
    if not project.has_reference_boxes:
        return []
    return shards("truth/region_boxes" if IS_SYNTHETIC else "tables/annotated_boxes")


def tokenizer_settings():
    """Return the keys of the text encoder that decide its tokenizer."""
    text = project.pretraining.model.text_encoder
    decisive = settings(text, "name", "lower_case", "max_unknown_share")
    return decisive | {"scratch": settings(text.scratch, "vocabulary")}


def pretraining_settings(wildcards):
    """Return the whole settings of one run, and which images it trains on."""
    run = project.pretraining.settings_of(wildcards.run)
    return settings(run) | {"views": settings(project.alignment)["views"]}


def pretraining_threads(wildcards):
    """Return the CPUs of all processes of a run, and of the workers beside them."""
    run = project.pretraining.settings_of(wildcards.run)
    return run.processes * (run.threads + run.workers)


def pretraining_gpus(wildcards):
    """Return how many GPUs a run asks the scheduler for: one for each process."""
    run = project.pretraining.settings_of(wildcards.run)
    return gpus(run.device) * run.processes


def pretraining_memory(wildcards):
    """Return the memory of a run, in megabytes: every process reads the corpus."""
    run = project.pretraining.settings_of(wildcards.run)
    return 6000 * run.processes + 1000 * run.processes * run.workers


def initial_weights(wildcards):
    """Return the files that a run starts from: of an earlier run, and named weights."""
    run = project.pretraining.settings_of(wildcards.run)
    weights = run.model.image_encoder.weights
    files = [] if weights is None else [str(weights)]
    if run.initial is None:
        return files
    return files + [f"{run.initial}/{name}" for name in RUN_FILES]


def pretraining_or_refusal(wildcards):
    """Return all that pre-training makes; a sentence where there is none."""
    boxes_or_refusal(wildcards)
    if not HAS_PRETRAINING:
        raise WorkflowError(
            "This run pre-trains nothing: pretraining.enabled is "
            f"{project.pretraining.enabled} and pretraining.runs has "
            f"{sorted(project.pretraining.runs)}. Set them, or ask for another target."
        )
    return declared_outputs("pretrain_encoders")


def run_files():
    """Return the descriptions of all pre-training runs."""
    runs = project.pretraining.runs if HAS_PRETRAINING else {}
    return [f"{RESULTS}/runs/{run}/run.json" for run in runs]


def synthetic_benchmark(wildcards):
    """Return what a benchmark of the synthetic world waits for."""
    is_made = BENCHMARKS[wildcards.benchmark] is None
    return [f"{SOURCE_ROOT}/manifest.json"] if is_made else []


def benchmark_root(wildcards):
    """Return the folder that a benchmark is read from."""
    root = BENCHMARKS[wildcards.benchmark]
    name = wildcards.benchmark
    return f"{SOURCE_ROOT}/benchmarks/{name}" if root is None else str(root)


def benchmark_settings(wildcards):
    """Return the keys of one benchmark; where it lies is told by its root."""
    benchmarks = settings(project.evaluation.benchmarks)
    values = benchmarks[wildcards.benchmark]
    return {wildcards.benchmark: values | {"root": None}}


def benchmark_files(wildcards):
    """Return the digest of a benchmark's files."""
    return INVENTORY["benchmarks"][wildcards.benchmark]


def encoder_files(wildcards):
    """Return the files that an encoder is loaded from."""
    encoder = ENCODERS[wildcards.encoder]
    if encoder.kind in ("run", "checkpoint"):
        folder = (
            encoder.path
            if encoder.kind == "checkpoint"
            else f"{RESULTS}/runs/{encoder.run}"
        )
        return [f"{folder}/{name}" for name in RUN_FILES]
    if encoder.kind == "transformers":
        return [str(path) for path in transformers_files(encoder.path)]
    weights = encoder.image_encoder and encoder.image_encoder.weights
    return [] if weights is None else [str(weights)]


def feature_settings(wildcards):
    """Return what decides the features of an encoder on a benchmark."""
    keys = ("batch_size", "device", "precision", "threads")
    return settings(project.evaluation, *keys) | {
        "encoder": settings(ENCODERS[wildcards.encoder]),
        "has_patches": project.evaluation.needs_patches,
    }


def protocol_settings(wildcards):
    """Return the keys of `evaluation` that protocols read, for one encoder."""
    values = settings(project.evaluation)
    left_out = ("benchmarks", "encoders", "image_size")
    values = {key: values[key] for key in values if key not in left_out}
    return values | {"encoder": settings(ENCODERS[wildcards.encoder])}


def evaluations(name):
    """Return the files of one name of all encoders on all benchmarks."""
    if not HAS_EVALUATION:
        return []
    return [f"{folder}/{name}" for folder in evaluation_folders()]


def evaluation_folders():
    """Return the folders of all encoders on all benchmarks."""
    return [
        f"{RESULTS}/evaluation/{encoder}/{benchmark}"
        for encoder in ENCODERS
        for benchmark in BENCHMARKS
    ]


def end_of_evaluation():
    """Print what this run evaluated; return which encoders failed, None if none did."""
    from asg_core.summary.terminal import end_evaluation

    made = {job.rule.name for job in workflow.dag.jobs}
    if not made & {"extract_features", "evaluate_encoder"}:
        return None
    end = end_evaluation(
        Path(RESULTS), encoders=list(ENCODERS), benchmarks=list(BENCHMARKS)
    )
    print(f"\n{end.text}", flush=True)
    if "build_summary" in made:
        print(f"Pages: {RESULTS}/summary/index.html", flush=True)
    return end.failure


def forget_failed_encoders():
    """Return which encoders failed and why; the next run tries them again."""
    from asg_core.summary.terminal import told_failures

    return told_failures(
        Path(RESULTS), encoders=list(ENCODERS), benchmarks=list(BENCHMARKS)
    )


def evaluations_or_refusal(wildcards):
    """Return what all encoders on all benchmarks make; a sentence for none."""
    if not HAS_EVALUATION:
        raise WorkflowError(
            f"This run evaluates nothing: the encoders are {sorted(ENCODERS)} and the "
            f"benchmarks {sorted(BENCHMARKS)}. Give evaluation.benchmarks.<name>.root the "
            "folder of a benchmark, and evaluation.encoders an encoder."
        )
    return declared_outputs("evaluate_encoder")


def made_tables():
    """Return the names of the tables that this configuration makes."""
    if not HAS_CORPUS:
        return []
    tables = ["studies", "images", "view_counts", "reports", "sentences", "triplets"]
    if HAS_ANNOTATIONS:
        tables.append("annotated_boxes")
    if HAS_BOXES:
        tables += ["region_boxes", "alignments", "tag_targets"]
    if HAS_PRETRAINING:
        tables.append("tokens")
    return tables


def reject_files():
    """Return the rejects of all stages of this configuration."""
    stages = [Stage.READ_SOURCE, Stage.READ_REPORTS, Stage.EXTRACT_TRIPLETS]
    if HAS_ANNOTATIONS:
        stages.append(Stage.READ_ANNOTATIONS)
    if HAS_IMAGES:
        stages.append(Stage.CACHE_PIXELS)
    if HAS_BOXES:
        stages += [Stage.DETECT_REGIONS, Stage.ALIGN_REGIONS]
    folder = f"{RESULTS}/tables/rejects"
    scored = (
        [f"{folder}/{Stage.SCORE_TRIPLET_SHEET}/all.parquet"] if MARKED_SHEET else []
    )
    files = sum((shards(f"tables/rejects/{stage}") for stage in stages), start=scored)
    if HAS_PRETRAINING:
        runs = project.pretraining.runs
        files += [f"{folder}/{Stage.PRETRAIN_ENCODERS}/{run}.parquet" for run in runs]
    if HAS_EVALUATION:
        files += [
            f"{folder}/{Stage.READ_BENCHMARK}/{name}.parquet" for name in BENCHMARKS
        ]
        files += [
            f"{folder}/{Stage.EVALUATE_ENCODER}/{encoder}-{benchmark}.parquet"
            for encoder in ENCODERS
            for benchmark in BENCHMARKS
        ]
    return files


def counted_tables():
    """Return the inputs of count_tables: all shards of all tables, and all rejects."""
    tables = {table: shards(f"tables/{table}") for table in made_tables()}
    return tables | {"rejects": reject_files()}


def metric_files():
    """Return the files of the table stage_metrics."""
    folder = f"{RESULTS}/tables/stage_metrics"
    return [f"{folder}/{name}.parquet" for name in project.metric_files]


def check_scores():
    """Return the scores of a marked sheet by table; none where no sheet is named."""
    names = {"triplet_scores": "scores", "triplet_confusions": "confusions"}
    return {
        table: [f"{RESULTS}/check_triplets/{name}.parquet"]
        for table, name in names.items()
        if MARKED_SHEET
    }


def summary_inputs():
    """Return the inputs of build_summary by name: everything that it shows."""
    tables = {table: shards(f"tables/{table}") for table in made_tables()}
    tables |= check_scores()
    return tables | {
        "stage_metrics": metric_files(),
        "rejects": reject_files(),
        "pixels": shards("pixels") if HAS_IMAGES else [],
        "runs": run_files(),
        "metrics": evaluations("metrics.parquet"),
        "scores": evaluations("scores.parquet"),
        "notes": evaluations("notes.json"),
    }


def summary_outputs(files, without=None):
    """Return files of the summary: `page_files` or `table_files`, but for one."""
    scope = Scope(
        metric_files=project.metric_files,
        has_corpus=HAS_CORPUS,
        has_images=HAS_IMAGES,
        has_runs=HAS_PRETRAINING,
        has_marked_sheet=MARKED_SHEET is not None,
        encoder_kinds=frozenset(encoder.kind for encoder in ENCODERS.values()),
        benchmarks=list(BENCHMARKS),
        protocols=project.evaluation.protocols,
        is_synthetic=IS_SYNTHETIC,
        has_published=project.summary.published,
    )
    return [f"{RESULTS}/summary/{file}" for file in files(scope) if file != without]


def summary_settings():
    """Return the configuration as the summary shows it; where it is tracked is no part."""
    values = settings(project)
    return {key: values[key] for key in sorted(values) if key != "tracking"}


def rule_digests():
    """Return the code digest of every rule that has a script."""
    names = [rule.name for rule in workflow.rules]
    scripts = {name: f"{name}.py" for name in sorted(names)}
    return {
        name: digest(script)
        for name, script in scripts.items()
        if (SCRIPTS / script).exists()
    }


def declared_outputs(*names):
    """Return every output that rules declare, for all values of their wildcards.

    Of the rules named, else of all but those ON_DEMAND. A file that nobody asks for is
    not missed by Snakemake when it is lost, as long as what was made from it is there.
    """
    wanted = names or [rule.name for rule in workflow.rules]
    patterns = [
        pattern
        for rule in workflow.rules
        if rule.name in wanted and (names or rule.name not in ON_DEMAND)
        for pattern in rule.output
    ]
    # An unknown wildcard is an error: its rule's outputs would never be asked for.
    return expand(map(strip_wildcard_constraints, patterns), **DOMAINS)


INVENTORY = source_inventory()
REFERENCE_BOXES = reference_boxes()
