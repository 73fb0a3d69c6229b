"""Tables and ground truth -> STAGE_METRICS."""

METRICS = f"{RESULTS}/tables/stage_metrics"

if IS_SYNTHETIC:

    rule score_triplets:
        """Precision and recall of the parser against what the reports mean."""
        input:
            reports=shards("tables/reports"),
            triplets=shards("tables/triplets"),
            sentences=shards("tables/sentences"),
            truth_triplets=shards("truth/triplets"),
            truth_sentences=shards("truth/sentences"),
        output:
            metrics=f"{METRICS}/score_triplets.parquet",
        log:
            f"{RESULTS}/logs/score_triplets/all.log",
        benchmark:
            f"{RESULTS}/timings/score_triplets/all.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=4000,
        params:
            code=digest("score_triplets.py"),
        message:
            "Scoring triplets"
        script:
            "../scripts/score_triplets.py"


if REFERENCE_BOXES:

    rule score_boxes:
        """Overlap of the region boxes with reference boxes."""
        input:
            region_boxes=shards("tables/region_boxes"),
            reference_boxes=REFERENCE_BOXES,
            images=shards("tables/images"),
            studies=shards("tables/studies"),
        output:
            metrics=f"{METRICS}/score_boxes.parquet",
        log:
            f"{RESULTS}/logs/score_boxes/all.log",
        benchmark:
            f"{RESULTS}/timings/score_boxes/all.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=4000,
        params:
            is_truth=IS_SYNTHETIC,
            code=digest("score_boxes.py"),
        message:
            "Scoring region boxes"
        script:
            "../scripts/score_boxes.py"


if HAS_BOXES and IS_SYNTHETIC:

    rule score_alignments:
        """Precision and recall of region-sentence pairs."""
        input:
            alignments=shards("tables/alignments"),
            images=shards("tables/images"),
            truth_triplets=shards("truth/triplets"),
            truth_sentences=shards("truth/sentences"),
            truth_boxes=shards("truth/region_boxes"),
        output:
            metrics=f"{METRICS}/score_alignments.parquet",
        log:
            f"{RESULTS}/logs/score_alignments/all.log",
        benchmark:
            f"{RESULTS}/timings/score_alignments/all.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=4000,
        params:
            config=settings(project.alignment, "views", "contexts"),
            code=digest("score_alignments.py"),
        message:
            "Scoring alignments"
        script:
            "../scripts/score_alignments.py"


rule count_tables:
    """Rows of every table and rejects of every stage by reason."""
    input:
        **counted_tables(),
    output:
        metrics=f"{METRICS}/count_tables.parquet",
    log:
        f"{RESULTS}/logs/count_tables/all.log",
    benchmark:
        f"{RESULTS}/timings/count_tables/all.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        code=digest("count_tables.py"),
    message:
        "Counting rows and rejects"
    script:
        "../scripts/count_tables.py"
