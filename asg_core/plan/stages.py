"""What the jobs of every stage leave behind, by name.

A new stage has a line here: its files are then declared, counted and shown by their names.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from asg_core.terms.stages import Stage
from asg_core.terms.targets import ALL

_SHARD = "shard-{shard}"
_RUN = "{run}"
_BENCHMARK = "{benchmark}"
_ENCODER = "{encoder}-{benchmark}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFiles:
    """The files of a stage that are not peculiar to it."""

    item: str = ALL
    """What a job is about, with the wildcards of the rule: the stem of its files."""

    tables: tuple[str, ...] = ()
    """Names of the sharded tables that it writes below `tables/`."""

    has_rejects: bool = False
    """Whether each of its jobs writes the table `rejects`."""

    has_metrics: bool = False
    """Whether it writes a file of the table `stage_metrics`."""

    rows_of: Stage | None = None
    """The stage whose name its rejects carry, where that is another one."""


STAGE_FILES: Mapping[Stage, StageFiles] = {
    Stage.MAKE_SYNTHETIC: StageFiles(has_metrics=True),
    Stage.READ_SOURCE: StageFiles(
        item=_SHARD, tables=("studies", "images", "view_counts"), has_rejects=True
    ),
    Stage.READ_REPORTS: StageFiles(item=_SHARD, tables=("reports",), has_rejects=True),
    Stage.READ_ANNOTATIONS: StageFiles(
        item=_SHARD, tables=("annotated_boxes",), has_rejects=True
    ),
    Stage.EXTRACT_TRIPLETS: StageFiles(
        item=_SHARD, tables=("sentences", "triplets"), has_rejects=True
    ),
    Stage.CACHE_PIXELS: StageFiles(item=_SHARD, has_rejects=True),
    Stage.TRAIN_DETECTOR: StageFiles(),
    Stage.DETECT_REGIONS: StageFiles(
        item=_SHARD, tables=("region_boxes",), has_rejects=True
    ),
    Stage.IMPORT_REGIONS: StageFiles(
        item=_SHARD,
        tables=("region_boxes",),
        has_rejects=True,
        rows_of=Stage.DETECT_REGIONS,
    ),
    Stage.ALIGN_REGIONS: StageFiles(
        item=_SHARD, tables=("alignments", "tag_targets"), has_rejects=True
    ),
    Stage.TRAIN_TOKENIZER: StageFiles(),
    Stage.TOKENIZE_REPORTS: StageFiles(item=_SHARD, tables=("tokens",)),
    Stage.PRETRAIN_ENCODERS: StageFiles(item=_RUN, has_rejects=True),
    Stage.READ_BENCHMARK: StageFiles(item=_BENCHMARK, has_rejects=True),
    Stage.EXTRACT_FEATURES: StageFiles(item=_ENCODER),
    Stage.EVALUATE_ENCODER: StageFiles(item=_ENCODER, has_rejects=True),
    Stage.DRAW_TRIPLET_SHEET: StageFiles(),
    Stage.SCORE_TRIPLET_SHEET: StageFiles(has_rejects=True),
    Stage.COMPARE_TRIPLETS: StageFiles(
        item=_SHARD, tables=("triplet_comparisons",), has_rejects=True
    ),
    Stage.SCORE_TRIPLETS: StageFiles(has_metrics=True),
    Stage.SCORE_BOXES: StageFiles(has_metrics=True),
    Stage.SCORE_ALIGNMENTS: StageFiles(has_metrics=True),
    Stage.COUNT_TABLES: StageFiles(has_metrics=True),
    Stage.BUILD_SUMMARY: StageFiles(),
}
