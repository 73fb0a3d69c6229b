"""REPORTS -> SENTENCES and TRIPLETS."""


rule extract_triplets:
    """One row per claim (region, finding, existence) that a report sentence makes."""
    input:
        reports=rules.read_reports.output.reports,
        parser=parser_files(),
    output:
        sentences=f"{RESULTS}/tables/sentences/shard-{{shard}}.parquet",
        triplets=f"{RESULTS}/tables/triplets/shard-{{shard}}.parquet",
        rejects=f"{RESULTS}/tables/rejects/extract_triplets/shard-{{shard}}.parquet",
    log:
        f"{RESULTS}/logs/extract_triplets/shard-{{shard}}.log",
    benchmark:
        f"{RESULTS}/timings/extract_triplets/shard-{{shard}}.tsv"
    conda:
        PARSER_ENV
    threads: 1
    resources:
        mem_mb=6000 if IS_RADGRAPH_MODEL else 2000,
        gpu=parser_gpus(),
    params:
        config=report_settings(),
        code=digest("extract_triplets.py"),
    message:
        "Extracting triplets from reports, {wildcards.shard}"
    script:
        "../scripts/extract_triplets.py"
