"""The stages of the pipeline, as the columns `stage` of rejects and metrics name them.

A stage is called after the rule that runs it. Where several rules run one stage, as
`detect_regions` and `import_regions` make the same boxes, the first of them names it.
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
    DETECT_REGIONS = "detect_regions"
    ALIGN_REGIONS = "align_regions"
    PRETRAIN_ENCODERS = "pretrain_encoders"
    READ_BENCHMARK = "read_benchmark"
    EVALUATE_ENCODER = "evaluate_encoder"
    SCORE_TRIPLET_SHEET = "score_triplet_sheet"
    TABLES = "tables"
    """No stage of its own: the rows of every table, which `count_tables` counts."""


SCORED_STAGES = (Stage.EXTRACT_TRIPLETS, Stage.DETECT_REGIONS, Stage.ALIGN_REGIONS)
"""Those that a synthetic corpus has ground truth for."""
