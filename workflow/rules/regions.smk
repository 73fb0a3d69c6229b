"""Pixels -> REGION_BOXES."""

if project.regions.backend == "import":

    rule import_regions:
        """The annotated boxes of one shard, taken as they are."""
        input:
            annotated_boxes=f"{RESULTS}/tables/annotated_boxes/shard-{{shard}}.parquet",
            images=rules.read_source.output.images,
        output:
            region_boxes=f"{RESULTS}/tables/region_boxes/shard-{{shard}}.parquet",
            rejects=f"{RESULTS}/tables/rejects/detect_regions/shard-{{shard}}.parquet",
        log:
            f"{RESULTS}/logs/import_regions/shard-{{shard}}.log",
        benchmark:
            f"{RESULTS}/timings/import_regions/shard-{{shard}}.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=1000,
        params:
            max_reject_share=project.regions.max_reject_share,
            code=digest("import_regions.py"),
        message:
            "Importing boxes, {wildcards.shard}"
        script:
            "../scripts/import_regions.py"

else:

    if project.regions.checkpoint is None:

        rule train_detector:
            """A Faster R-CNN of the anatomical regions, from annotated boxes."""
            input:
                pixels=shards("pixels"),
                annotated_boxes=shards("tables/annotated_boxes"),
            output:
                model=f"{RESULTS}/detector/model.safetensors",
                run=f"{RESULTS}/detector/run.json",
            log:
                f"{RESULTS}/logs/train_detector/all.log",
            benchmark:
                f"{RESULTS}/timings/train_detector/all.tsv"
            # What waits for it takes the longest.
            priority: 10
            conda:
                DETECTOR_ENV
            threads: project.regions.training.threads
            resources:
                mem_mb=6000,
                gpu=gpus(project.regions.training.device),
            params:
                config=settings(project.regions.training),
                backend=project.regions.backend,
                code=digest("train_detector.py"),
            message:
                "Training the region detector"
            script:
                "../scripts/train_detector.py"

    rule detect_regions:
        """At most one box per region and image."""
        input:
            pixels=rules.cache_pixels.output.pixels,
            model=DETECTOR / "model.safetensors",
            run=DETECTOR / "run.json",
        output:
            region_boxes=f"{RESULTS}/tables/region_boxes/shard-{{shard}}.parquet",
            rejects=f"{RESULTS}/tables/rejects/detect_regions/shard-{{shard}}.parquet",
        log:
            f"{RESULTS}/logs/detect_regions/shard-{{shard}}.log",
        benchmark:
            f"{RESULTS}/timings/detect_regions/shard-{{shard}}.tsv"
        conda:
            DETECTOR_ENV
        threads: project.regions.detection.threads
        resources:
            mem_mb=3000,
            gpu=gpus(project.regions.detection.device),
        params:
            config=settings(project.regions.detection),
            backend=project.regions.backend,
            max_reject_share=project.regions.max_reject_share,
            code=digest("detect_regions.py"),
        message:
            "Finding the regions of images, {wildcards.shard}"
        script:
            "../scripts/detect_regions.py"
