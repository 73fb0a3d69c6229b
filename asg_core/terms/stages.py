"""The stages of the pipeline: every rule that makes something, by the rule's name.

The names stand in the columns `stage` of rejects and metrics, in the folders of logs,
timings and rejects, and in the configuration slices of `asg_core.plan`. Where two rules
run one stage, as `import_regions` makes the boxes that `detect_regions` finds elsewhere,
rows carry the name of the first.
"""

from enum import StrEnum


class Stage(StrEnum):
    """One stage, in the order of the pipeline."""

    MAKE_SYNTHETIC = "make_synthetic"
    READ_SOURCE = "read_source"
    READ_REPORTS = "read_reports"
    READ_ANNOTATIONS = "read_annotations"
    EXTRACT_TRIPLETS = "extract_triplets"
    CACHE_PIXELS = "cache_pixels"
    TRAIN_DETECTOR = "train_detector"
    DETECT_REGIONS = "detect_regions"
    IMPORT_REGIONS = "import_regions"
    ALIGN_REGIONS = "align_regions"
    TRAIN_TOKENIZER = "train_tokenizer"
    TOKENIZE_REPORTS = "tokenize_reports"
    PRETRAIN_ENCODERS = "pretrain_encoders"
    READ_BENCHMARK = "read_benchmark"
    EXTRACT_FEATURES = "extract_features"
    EVALUATE_ENCODER = "evaluate_encoder"
    DRAW_TRIPLET_SHEET = "draw_triplet_sheet"
    SCORE_TRIPLET_SHEET = "score_triplet_sheet"
    COMPARE_TRIPLETS = "compare_triplets"
    SCORE_TRIPLETS = "score_triplets"
    SCORE_BOXES = "score_boxes"
    SCORE_ALIGNMENTS = "score_alignments"
    COUNT_TABLES = "count_tables"
    BUILD_SUMMARY = "build_summary"
    TABLES = "tables"
    """No stage of its own: the rows of every table, which `count_tables` counts."""


SCORED_STAGES = (Stage.EXTRACT_TRIPLETS, Stage.DETECT_REGIONS, Stage.ALIGN_REGIONS)
"""The stages that a synthetic corpus has ground truth for."""
