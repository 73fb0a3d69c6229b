"""Benchmarks as distributed and encoders -> SCORES and METRICS."""


rule read_benchmark:
    """The images, labels, boxes and masks of a benchmark, and its pixel cache."""
    input:
        synthetic_benchmark,
    output:
        images=f"{DATASETS}/{{benchmark}}/images.parquet",
        labels=f"{DATASETS}/{{benchmark}}/labels.parquet",
        boxes=f"{DATASETS}/{{benchmark}}/boxes.parquet",
        masks=f"{DATASETS}/{{benchmark}}/masks.parquet",
        about=f"{DATASETS}/{{benchmark}}/benchmark.json",
        pixels=f"{DATASETS}/{{benchmark}}/pixels.parquet",
        rejects=f"{RESULTS}/tables/rejects/read_benchmark/{{benchmark}}.parquet",
    log:
        f"{RESULTS}/logs/read_benchmark/{{benchmark}}.log",
    benchmark:
        f"{RESULTS}/timings/read_benchmark/{{benchmark}}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        config=benchmark_settings,
        root=benchmark_root,
        image_size=project.evaluation.image_size,
        files=benchmark_files,
        code=digest("read_benchmark.py"),
    message:
        "Reading the benchmark {wildcards.benchmark}"
    script:
        "../scripts/read_benchmark.py"


rule extract_features:
    """What a frozen encoder makes of every image of a benchmark, once."""
    input:
        about=rules.read_benchmark.output.about,
        images=rules.read_benchmark.output.images,
        labels=rules.read_benchmark.output.labels,
        boxes=rules.read_benchmark.output.boxes,
        masks=rules.read_benchmark.output.masks,
        pixels=rules.read_benchmark.output.pixels,
        encoder=encoder_files,
    output:
        features=f"{RESULTS}/features/{{encoder}}/{{benchmark}}.safetensors",
    log:
        f"{RESULTS}/logs/extract_features/{{encoder}}-{{benchmark}}.log",
    benchmark:
        f"{RESULTS}/timings/extract_features/{{encoder}}-{{benchmark}}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: project.evaluation.threads
    resources:
        mem_mb=6000,
        gpu=gpus(project.evaluation.device),
    params:
        config=feature_settings,
        code=digest("extract_features.py"),
    message:
        "Features of {wildcards.benchmark} from {wildcards.encoder}"
    script:
        "../scripts/extract_features.py"


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
        encoder=encoder_files,
    output:
        scores=f"{RESULTS}/evaluation/{{encoder}}/{{benchmark}}/scores.parquet",
        segmentation_scores=f"{RESULTS}/evaluation/{{encoder}}/{{benchmark}}/segmentation_scores.parquet",
        metrics=f"{RESULTS}/evaluation/{{encoder}}/{{benchmark}}/metrics.parquet",
        notes=f"{RESULTS}/evaluation/{{encoder}}/{{benchmark}}/notes.json",
        rejects=f"{RESULTS}/tables/rejects/evaluate_encoder/{{encoder}}-{{benchmark}}.parquet",
    log:
        f"{RESULTS}/logs/evaluate_encoder/{{encoder}}-{{benchmark}}.log",
    benchmark:
        f"{RESULTS}/timings/evaluate_encoder/{{encoder}}-{{benchmark}}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: project.evaluation.threads
    resources:
        mem_mb=6000,
        gpu=gpus(project.evaluation.device),
    params:
        config=protocol_settings,
        code=digest("evaluate_encoder.py"),
    message:
        "Evaluating {wildcards.encoder} on {wildcards.benchmark}"
    script:
        "../scripts/evaluate_encoder.py"
