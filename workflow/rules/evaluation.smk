"""Benchmarks as distributed and encoders -> SCORES and METRICS."""

stage = StagePlan(plan, Stage.READ_BENCHMARK)


rule read_benchmark:
    """The images, labels, boxes and masks of a benchmark, and its pixel cache."""
    input:
        per("benchmark", plan.benchmark_manifest),
    output:
        images=f"{plan.datasets}/{{benchmark}}/images.parquet",
        labels=f"{plan.datasets}/{{benchmark}}/labels.parquet",
        boxes=f"{plan.datasets}/{{benchmark}}/boxes.parquet",
        masks=f"{plan.datasets}/{{benchmark}}/masks.parquet",
        about=f"{plan.datasets}/{{benchmark}}/benchmark.json",
        pixels=f"{plan.datasets}/{{benchmark}}/pixels.parquet",
        rejects=stage.rejects,
    log:
        stage.log,
    benchmark:
        stage.timing
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=stage.memory_mb(),
    params:
        config=per("benchmark", stage.settings),
        root=per("benchmark", plan.benchmark_root),
        image_size=project.evaluation.image_size,
        files=per("benchmark", inventory.benchmarks),
        code=digest(stage),
    message:
        "Reading the benchmark {wildcards.benchmark}"
    script:
        "../scripts/read_benchmark.py"


stage = StagePlan(plan, Stage.EXTRACT_FEATURES)


rule extract_features:
    """What a frozen encoder makes of every image of a benchmark, once."""
    input:
        about=rules.read_benchmark.output.about,
        images=rules.read_benchmark.output.images,
        labels=rules.read_benchmark.output.labels,
        boxes=rules.read_benchmark.output.boxes,
        masks=rules.read_benchmark.output.masks,
        pixels=rules.read_benchmark.output.pixels,
        encoder=per("encoder", plan.encoder_files),
    output:
        features=f"{plan.results}/features/{{encoder}}/{{benchmark}}.safetensors",
    log:
        stage.log,
    benchmark:
        stage.timing
    conda:
        "../../envs/train.yaml"
    threads: stage.threads()
    resources:
        mem_mb=stage.memory_mb(),
        gpu=stage.gpus(),
    params:
        config=per("encoder", stage.settings),
        code=digest(stage),
    message:
        "Features of {wildcards.benchmark} from {wildcards.encoder}"
    script:
        "../scripts/extract_features.py"


stage = StagePlan(plan, Stage.EVALUATE_ENCODER)


rule evaluate_encoder:
    """One encoder on one benchmark: all protocols, fractions and seeds."""
    input:
        about=rules.read_benchmark.output.about,
        images=rules.read_benchmark.output.images,
        labels=rules.read_benchmark.output.labels,
        boxes=rules.read_benchmark.output.boxes,
        masks=rules.read_benchmark.output.masks,
        pixels=rules.read_benchmark.output.pixels,
        features=rules.extract_features.output.features,
        encoder=per("encoder", plan.encoder_files),
    output:
        scores=plan.evaluation("scores.parquet"),
        segmentation_scores=plan.evaluation("segmentation_scores.parquet"),
        metrics=plan.evaluation("metrics.parquet"),
        notes=plan.evaluation("notes.json"),
        rejects=stage.rejects,
    log:
        stage.log,
    benchmark:
        stage.timing
    conda:
        "../../envs/train.yaml"
    threads: stage.threads()
    resources:
        mem_mb=stage.memory_mb(),
        gpu=stage.gpus(),
    params:
        config=per("encoder", stage.settings),
        code=digest(stage),
    message:
        "Evaluating {wildcards.encoder} on {wildcards.benchmark}"
    script:
        "../scripts/evaluate_encoder.py"
