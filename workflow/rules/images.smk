"""IMAGES -> the pixel cache."""


rule cache_pixels:
    """Decode each image once: letterboxed to a square, 8 bit, randomly readable."""
    input:
        images=rules.read_source.output.images,
    output:
        pixels=f"{RESULTS}/pixels/shard-{{shard}}.parquet",
        rejects=f"{RESULTS}/tables/rejects/cache_pixels/shard-{{shard}}.parquet",
    log:
        f"{RESULTS}/logs/cache_pixels/shard-{{shard}}.log",
    benchmark:
        f"{RESULTS}/timings/cache_pixels/shard-{{shard}}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        config=settings(project.images),
        root=SOURCE_ROOT,
        # The files themselves are no inputs: an edited one shows in this digest.
        files=image_files,
        code=digest("cache_pixels.py"),
    message:
        "Decoding images, {wildcards.shard}"
    script:
        "../scripts/cache_pixels.py"
