"""Names, paths and helpers that every rule file uses; the configuration is checked here."""

import json
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake_interface_executor_plugins.settings import ExecMode

from asg_core.config import ConfigError, resolve_config
from asg_core.provenance import code_digest
from asg_core.sources.inventory import (
    check_annotations,
    check_source,
    inventories,
    inventory_annotations,
)
from asg_core.tables.shards import shard_names

SCRIPTS = Path(workflow.basedir) / "workflow" / "scripts"

# Stops before any job, with one sentence per wrong key.
try:
    project = resolve_config(config)
except ConfigError as error:
    raise WorkflowError(str(error)) from None

RESULTS = f"results/{project.corpus.name}"
SHARDS = shard_names(project.corpus.shards)
IS_SYNTHETIC = project.corpus.source == "synthetic"
HAS_IMAGES = project.corpus.images != "none"
SOURCE_ROOT = f"{RESULTS}/source" if IS_SYNTHETIC else str(project.corpus.root)
ANNOTATIONS = project.annotations
ANNOTATIONS_ROOT = SOURCE_ROOT if ANNOTATIONS.root is None else str(ANNOTATIONS.root)
HAS_BOXES = project.has_boxes
HAS_ANNOTATIONS = HAS_BOXES and ANNOTATIONS.source != "none"
DETECTOR = project.regions.checkpoint or Path(RESULTS) / "detector"
DETECTOR_ENV = (
    "../../envs/detectron2.yaml"
    if project.regions.backend == "detectron2"
    else "../../envs/train.yaml"
)
SAVED_INVENTORY = Path(RESULTS) / "inventory.json"

if HAS_BOXES and project.regions.checkpoint:
    if not (DETECTOR / "run.json").exists():
        raise WorkflowError(
            f"regions.checkpoint: expected the folder of a trained detector with "
            f"model.safetensors and run.json, found no {DETECTOR / 'run.json'}. Give the "
            "folder results/<corpus>/detector of a finished run, or null to train."
        )


wildcard_constraints:
    shard="[0-9]{4}-of-[0-9]{4}",


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


def source_inventory():
    """Return digests of the source's files, checking the source first.

    Of images and of reports per shard, and one of the annotations. A submitted job reads
    what the main process found (`save_inventory`), since a look at hundreds of thousands
    of files from every node would be a storm.
    """
    if workflow.exec_mode == ExecMode.REMOTE and SAVED_INVENTORY.exists():
        saved = json.loads(SAVED_INVENTORY.read_text())
        if list(saved["images"]) == SHARDS:
            return saved
    corpus, root = project.corpus, Path(SOURCE_ROOT)
    annotations = {"config": ANNOTATIONS, "root": Path(ANNOTATIONS_ROOT)}
    try:
        check_source(config=corpus, root=root)
        if HAS_ANNOTATIONS and not (IS_SYNTHETIC and ANNOTATIONS.root is None):
            check_annotations(**annotations)
        digests = inventories(config=corpus, root=root)
        digests["annotations"] = (
            inventory_annotations(**annotations, corpus=corpus)
            if HAS_ANNOTATIONS
            else None
        )
    except (ValueError, OSError) as error:
        raise WorkflowError(str(error)) from None
    return digests


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


def boxes_or_refusal(wildcards):
    """Return the shards of region_boxes; a sentence where the run makes none."""
    if not HAS_BOXES:
        raise WorkflowError(
            f"This run makes no boxes: corpus.images is '{project.corpus.images}' and "
            f"regions.backend is '{project.regions.backend}', where the target needs "
            "'files' and a backend. Set them, or ask for the target triplets."
        )
    return shards("tables/region_boxes")


def alignments_or_refusal(wildcards):
    """Return the shards of alignments; a sentence where the run makes none."""
    boxes_or_refusal(wildcards)
    return shards("tables/alignments")


def reference_boxes():
    """Return the boxes that detections are scored against; none where there are none."""
    if not project.has_reference_boxes:
        return []
    return shards("truth/region_boxes" if IS_SYNTHETIC else "tables/annotated_boxes")


def made_tables():
    """Return the names of the tables that this configuration makes."""
    tables = ["studies", "images", "reports", "sentences", "triplets"]
    if HAS_ANNOTATIONS:
        tables.append("annotated_boxes")
    if HAS_BOXES:
        tables += ["region_boxes", "alignments", "tag_targets"]
    return tables


def rejecting_stages():
    """Return the stages of this configuration that write rejects."""
    stages = ["read_source", "read_reports", "extract_triplets"]
    if HAS_ANNOTATIONS:
        stages.append("read_annotations")
    if HAS_IMAGES:
        stages.append("cache_pixels")
    if HAS_BOXES:
        stages += ["detect_regions", "align_regions"]
    return stages


def counted_tables():
    """Return the inputs of count_tables: all shards of all tables, and all rejects."""
    tables = {table: shards(f"tables/{table}") for table in made_tables()}
    rejects = [shards(f"tables/rejects/{stage}") for stage in rejecting_stages()]
    return tables | {"rejects": sum(rejects, start=[])}


def all_outputs():
    """Return what plain `snakemake` makes: the last tables and every metric."""
    last = "tables/alignments" if HAS_BOXES else "tables/triplets"
    metrics = [
        f"{RESULTS}/tables/stage_metrics/{name}.parquet"
        for name in project.metric_files
    ]
    pixels = shards("pixels") if HAS_IMAGES else []
    return metrics + pixels + shards(last)


REFERENCE_BOXES = reference_boxes()
