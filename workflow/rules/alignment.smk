"""TRIPLETS and REGION_BOXES -> ALIGNMENTS and TAG_TARGETS."""


rule align_regions:
    """Units: one box with one piece of text; and the tags of each image."""
    input:
        sentences=rules.extract_triplets.output.sentences,
        triplets=rules.extract_triplets.output.triplets,
        region_boxes=f"{RESULTS}/tables/region_boxes/shard-{{shard}}.parquet",
        images=rules.read_source.output.images,
    output:
        alignments=f"{RESULTS}/tables/alignments/shard-{{shard}}.parquet",
        tag_targets=f"{RESULTS}/tables/tag_targets/shard-{{shard}}.parquet",
        rejects=f"{RESULTS}/tables/rejects/align_regions/shard-{{shard}}.parquet",
    log:
        f"{RESULTS}/logs/align_regions/shard-{{shard}}.log",
    benchmark:
        f"{RESULTS}/timings/align_regions/shard-{{shard}}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        config=settings(project.alignment),
        code=digest("align_regions.py"),
    message:
        "Aligning boxes and sentences, {wildcards.shard}"
    script:
        "../scripts/align_regions.py"
