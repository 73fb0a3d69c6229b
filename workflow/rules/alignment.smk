"""TRIPLETS and REGION_BOXES -> ALIGNMENTS and TAG_TARGETS."""

stage = StagePlan(plan, Stage.ALIGN_REGIONS)


rule align_regions:
    """Units: one box with one piece of text; and the tags of each image."""
    input:
        sentences=rules.extract_triplets.output.sentences,
        triplets=rules.extract_triplets.output.triplets,
        region_boxes=plan.shard("tables/region_boxes"),
        images=rules.read_source.output.images,
    output:
        alignments=plan.shard("tables/alignments"),
        tag_targets=plan.shard("tables/tag_targets"),
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
        code=digest(stage),
    message:
        "Aligning boxes and sentences, {wildcards.shard}"
    script:
        "../scripts/align_regions.py"
