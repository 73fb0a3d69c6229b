"""REPORTS -> SENTENCES and TRIPLETS."""

stage = StagePlan(plan, Stage.EXTRACT_TRIPLETS)


rule extract_triplets:
    """One row per claim (region, finding, existence) that a report sentence makes."""
    input:
        reports=rules.read_reports.output.reports,
        parser=plan.parser_files(stage.name),
    output:
        sentences=plan.shard("tables/sentences"),
        triplets=plan.shard("tables/triplets"),
        rejects=stage.rejects,
    log:
        stage.log,
    benchmark:
        stage.timing
    conda:
        f"../../envs/{plan.parser_environment(stage.name)}.yaml"
    threads: 1
    resources:
        mem_mb=stage.memory_mb(),
        gpu=stage.gpus(),
    params:
        config=stage.settings(),
        code=digest(stage),
    message:
        "Extracting triplets from reports, {wildcards.shard}"
    script:
        "../scripts/extract_triplets.py"
