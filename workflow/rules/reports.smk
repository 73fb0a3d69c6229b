"""REPORTS -> SENTENCES and TRIPLETS."""


rule extract_triplets:
    """One row per claim (region, finding, existence) that a report sentence makes."""
    input:
        reports=rules.read_reports.output.reports,
    output:
        sentences=f"{RESULTS}/tables/sentences/shard-{{shard}}.parquet",
        triplets=f"{RESULTS}/tables/triplets/shard-{{shard}}.parquet",
        rejects=f"{RESULTS}/tables/rejects/extract_triplets/shard-{{shard}}.parquet",
    log:
        f"{RESULTS}/logs/extract_triplets/shard-{{shard}}.log",
    benchmark:
        f"{RESULTS}/timings/extract_triplets/shard-{{shard}}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        config=settings(project.reports),
        code=digest("extract_triplets.py"),
    message:
        "Extracting triplets from reports, {wildcards.shard}"
    script:
        "../scripts/extract_triplets.py"
