"""Tables and ground truth -> STAGE_METRICS."""

if Stage.SCORE_TRIPLETS in plan.stages:

    stage = StagePlan(plan, Stage.SCORE_TRIPLETS)

    rule score_triplets:
        """Precision and recall of the parser against what the reports mean."""
        input:
            reports=plan.shards("tables/reports"),
            triplets=plan.shards("tables/triplets"),
            sentences=plan.shards("tables/sentences"),
            truth_triplets=plan.shards("truth/triplets"),
            truth_sentences=plan.shards("truth/sentences"),
        output:
            metrics=stage.metrics,
        log:
            stage.log,
        benchmark:
            stage.timing
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=stage.memory_mb(),
        params:
            code=digest(stage),
        message:
            "Scoring triplets"
        script:
            "../scripts/score_triplets.py"


if Stage.SCORE_BOXES in plan.stages:

    stage = StagePlan(plan, Stage.SCORE_BOXES)

    rule score_boxes:
        """Overlap of the region boxes with reference boxes."""
        input:
            region_boxes=plan.shards("tables/region_boxes"),
            reference_boxes=plan.reference_boxes,
            images=plan.shards("tables/images"),
            studies=plan.shards("tables/studies"),
        output:
            metrics=stage.metrics,
        log:
            stage.log,
        benchmark:
            stage.timing
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=stage.memory_mb(),
        params:
            is_truth=plan.is_synthetic,
            code=digest(stage),
        message:
            "Scoring region boxes"
        script:
            "../scripts/score_boxes.py"


if Stage.SCORE_ALIGNMENTS in plan.stages:

    stage = StagePlan(plan, Stage.SCORE_ALIGNMENTS)

    rule score_alignments:
        """Precision and recall of region-sentence pairs."""
        input:
            alignments=plan.shards("tables/alignments"),
            images=plan.shards("tables/images"),
            truth_triplets=plan.shards("truth/triplets"),
            truth_sentences=plan.shards("truth/sentences"),
            truth_boxes=plan.shards("truth/region_boxes"),
        output:
            metrics=stage.metrics,
        log:
            stage.log,
        benchmark:
            stage.timing
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=stage.memory_mb(),
        params:
            config=stage.settings(),
            code=digest(stage),
        message:
            "Scoring alignments"
        script:
            "../scripts/score_alignments.py"


stage = StagePlan(plan, Stage.COUNT_TABLES)


rule count_tables:
    """Rows of every table and rejects of every stage by reason."""
    input:
        **plan.table_files,
        rejects=plan.reject_files,
    output:
        metrics=stage.metrics,
    log:
        stage.log,
    benchmark:
        stage.timing
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=stage.memory_mb(),
    params:
        code=digest(stage),
    message:
        "Counting rows and rejects"
    script:
        "../scripts/count_tables.py"
