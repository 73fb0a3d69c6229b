"""A dataset's own files -> the tables studies, images, reports, annotated_boxes."""

if IS_SYNTHETIC:

    rule make_synthetic:
        """The synthetic corpus and benchmarks on disk, in the layouts of the real ones."""
        output:
            manifest=f"{SOURCE_ROOT}/manifest.json",
            triplets=shards("truth/triplets"),
            sentences=shards("truth/sentences"),
            region_boxes=shards("truth/region_boxes"),
            metrics=f"{RESULTS}/tables/stage_metrics/make_synthetic.parquet",
        log:
            f"{RESULTS}/logs/make_synthetic/all.log",
        benchmark:
            f"{RESULTS}/timings/make_synthetic/all.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 2
        resources:
            mem_mb=2000,
        params:
            config=settings(project.corpus.synthetic),
            num_shards=project.corpus.shards,
            code=digest("make_synthetic.py"),
        message:
            "Making the synthetic corpus and benchmarks in {SOURCE_ROOT}"
        script:
            "../scripts/make_synthetic.py"


rule read_source:
    """The studies and images of one shard of patients."""
    input:
        [f"{SOURCE_ROOT}/manifest.json"] if IS_SYNTHETIC else [],
    output:
        studies=f"{RESULTS}/tables/studies/shard-{{shard}}.parquet",
        images=f"{RESULTS}/tables/images/shard-{{shard}}.parquet",
        views=f"{RESULTS}/tables/view_counts/shard-{{shard}}.parquet",
        rejects=f"{RESULTS}/tables/rejects/read_source/shard-{{shard}}.parquet",
    log:
        f"{RESULTS}/logs/read_source/shard-{{shard}}.log",
    benchmark:
        f"{RESULTS}/timings/read_source/shard-{{shard}}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        config=corpus_settings(),
        root=SOURCE_ROOT,
        files=image_files,
        code=digest("read_source.py"),
    message:
        "Reading {SOURCE_ROOT}, {wildcards.shard}"
    script:
        "../scripts/read_source.py"


# A rule of its own: an edited report must not decode images or train a detector again.
rule read_reports:
    """The reports of one shard of patients."""
    input:
        [f"{SOURCE_ROOT}/manifest.json"] if IS_SYNTHETIC else [],
    output:
        reports=f"{RESULTS}/tables/reports/shard-{{shard}}.parquet",
        rejects=f"{RESULTS}/tables/rejects/read_reports/shard-{{shard}}.parquet",
    log:
        f"{RESULTS}/logs/read_reports/shard-{{shard}}.log",
    benchmark:
        f"{RESULTS}/timings/read_reports/shard-{{shard}}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        config=corpus_settings(),
        root=SOURCE_ROOT,
        files=report_files,
        code=digest("read_reports.py"),
    message:
        "Reading the reports of {SOURCE_ROOT}, {wildcards.shard}"
    script:
        "../scripts/read_reports.py"


if HAS_ANNOTATIONS:

    rule read_annotations:
        """The boxes that a dataset provides for the images of one shard."""
        input:
            [f"{SOURCE_ROOT}/manifest.json"] if IS_SYNTHETIC else [],
            studies=rules.read_source.output.studies,
            images=rules.read_source.output.images,
        output:
            annotated_boxes=f"{RESULTS}/tables/annotated_boxes/shard-{{shard}}.parquet",
            rejects=f"{RESULTS}/tables/rejects/read_annotations/shard-{{shard}}.parquet",
        log:
            f"{RESULTS}/logs/read_annotations/shard-{{shard}}.log",
        benchmark:
            f"{RESULTS}/timings/read_annotations/shard-{{shard}}.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=2000,
        params:
            config=settings(ANNOTATIONS),
            root=ANNOTATIONS_ROOT,
            files=INVENTORY["annotations"],
            code=digest("read_annotations.py"),
        message:
            "Reading annotated boxes from {ANNOTATIONS_ROOT}, {wildcards.shard}"
        script:
            "../scripts/read_annotations.py"
