"""IMAGES -> the pixel cache."""

stage = StagePlan(plan, Stage.CACHE_PIXELS)


rule cache_pixels:
    """Decode each image once: letterboxed to a square, 8 bit, randomly readable."""
    input:
        images=rules.read_source.output.images,
    output:
        pixels=plan.shard("pixels"),
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
        # The files themselves are no inputs: an edited one shows in this digest.
        files=per("shard", inventory.images),
        code=digest(stage),
    message:
        "Decoding images, {wildcards.shard}"
    script:
        "../scripts/cache_pixels.py"
