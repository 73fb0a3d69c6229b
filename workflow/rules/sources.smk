"""A dataset's own files -> the tables studies, images, reports, annotated_boxes."""

if Stage.MAKE_SYNTHETIC in plan.stages:

    stage = StagePlan(plan, Stage.MAKE_SYNTHETIC)

    rule make_synthetic:
        """The synthetic corpus and benchmarks on disk, in the layouts of the real ones."""
        output:
            manifest=f"{plan.source_root}/manifest.json",
            triplets=plan.shards("truth/triplets"),
            sentences=plan.shards("truth/sentences"),
            region_boxes=plan.shards("truth/region_boxes"),
            metrics=stage.metrics,
        log:
            stage.log,
        benchmark:
            stage.timing
        conda:
            "../../envs/data.yaml"
        threads: 2
        resources:
            mem_mb=stage.memory_mb(),
        params:
            config=stage.settings(),
            num_shards=project.corpus.shards,
            code=digest(stage),
        message:
            "Making the synthetic corpus and benchmarks in {plan.source_root}"
        script:
            "../scripts/make_synthetic.py"


stage = StagePlan(plan, Stage.READ_SOURCE)


rule read_source:
    """The studies and images of one shard of patients."""
    input:
        plan.manifest,
    output:
        studies=plan.shard("tables/studies"),
        images=plan.shard("tables/images"),
        views=plan.shard("tables/view_counts"),
        rejects=stage.rejects,
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
        root=plan.source_root,
        files=per("shard", inventory.images),
        code=digest(stage),
    message:
        "Reading {plan.source_root}, {wildcards.shard}"
    script:
        "../scripts/read_source.py"


stage = StagePlan(plan, Stage.READ_REPORTS)


# A rule of its own: an edited report must not decode images or train a detector again.
rule read_reports:
    """The reports of one shard of patients."""
    input:
        plan.manifest,
    output:
        reports=plan.shard("tables/reports"),
        rejects=stage.rejects,
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
        root=plan.source_root,
        files=per("shard", inventory.reports),
        code=digest(stage),
    message:
        "Reading the reports of {plan.source_root}, {wildcards.shard}"
    script:
        "../scripts/read_reports.py"


if Stage.READ_ANNOTATIONS in plan.stages:

    stage = StagePlan(plan, Stage.READ_ANNOTATIONS)

    rule read_annotations:
        """The boxes that a dataset provides for the images of one shard."""
        input:
            plan.manifest,
            studies=rules.read_source.output.studies,
            images=rules.read_source.output.images,
        output:
            annotated_boxes=plan.shard("tables/annotated_boxes"),
            rejects=stage.rejects,
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
            root=plan.annotations_root,
            files=inventory.annotations,
            code=digest(stage),
        message:
            "Reading annotated boxes from {plan.annotations_root}, {wildcards.shard}"
        script:
            "../scripts/read_annotations.py"
