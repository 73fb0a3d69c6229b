"""Pixels -> REGION_BOXES."""

if Stage.IMPORT_REGIONS in plan.stages:

    stage = StagePlan(plan, Stage.IMPORT_REGIONS)

    rule import_regions:
        """The annotated boxes of one shard, taken as they are."""
        input:
            annotated_boxes=plan.shard("tables/annotated_boxes"),
            images=rules.read_source.output.images,
        output:
            region_boxes=plan.shard("tables/region_boxes"),
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
            max_reject_share=project.regions.max_reject_share,
            code=digest(stage),
        message:
            "Importing boxes, {wildcards.shard}"
        script:
            "../scripts/import_regions.py"

else:

    if Stage.TRAIN_DETECTOR in plan.stages:

        stage = StagePlan(plan, Stage.TRAIN_DETECTOR)

        rule train_detector:
            """A Faster R-CNN of the anatomical regions, from annotated boxes."""
            input:
                pixels=plan.shards("pixels"),
                annotated_boxes=plan.shards("tables/annotated_boxes"),
            output:
                model=plan.detector / "model.safetensors",
                run=plan.detector / "run.json",
            log:
                stage.log,
            benchmark:
                stage.timing
            # What waits for it takes the longest.
            priority: 10
            conda:
                f"../../envs/{plan.detector_environment}.yaml"
            threads: stage.threads()
            resources:
                mem_mb=stage.memory_mb(),
                gpu=stage.gpus(),
            params:
                config=stage.settings(),
                backend=project.regions.backend,
                code=digest(stage),
            message:
                "Training the region detector"
            script:
                "../scripts/train_detector.py"

    stage = StagePlan(plan, Stage.DETECT_REGIONS)

    rule detect_regions:
        """At most one box per region and image."""
        input:
            pixels=rules.cache_pixels.output.pixels,
            model=plan.detector / "model.safetensors",
            run=plan.detector / "run.json",
        output:
            region_boxes=plan.shard("tables/region_boxes"),
            rejects=stage.rejects,
        log:
            stage.log,
        benchmark:
            stage.timing
        conda:
            f"../../envs/{plan.detector_environment}.yaml"
        threads: stage.threads()
        resources:
            mem_mb=stage.memory_mb(),
            gpu=stage.gpus(),
        params:
            config=stage.settings(),
            backend=project.regions.backend,
            max_reject_share=project.regions.max_reject_share,
            code=digest(stage),
        message:
            "Finding the regions of images, {wildcards.shard}"
        script:
            "../scripts/detect_regions.py"
