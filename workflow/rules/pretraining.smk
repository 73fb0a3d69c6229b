"""ALIGNMENTS, TAG_TARGETS, sentences and pixels -> pre-trained encoders."""


rule train_tokenizer:
    """The word pieces of the text encoder: trained on the corpus, or its own."""
    input:
        sentences=shards("tables/sentences"),
        studies=shards("tables/studies"),
    output:
        tokenizer=f"{RESULTS}/tokenizer/tokenizer.json",
    log:
        f"{RESULTS}/logs/train_tokenizer/all.log",
    benchmark:
        f"{RESULTS}/timings/train_tokenizer/all.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        config=tokenizer_settings(),
        code=digest("train_tokenizer.py"),
    message:
        "Making the tokenizer"
    script:
        "../scripts/train_tokenizer.py"


rule tokenize_reports:
    """The sentences of each report as word pieces, with the place of every word."""
    input:
        sentences=rules.extract_triplets.output.sentences,
        tokenizer=rules.train_tokenizer.output.tokenizer,
    output:
        tokens=f"{RESULTS}/tables/tokens/shard-{{shard}}.parquet",
    log:
        f"{RESULTS}/logs/tokenize_reports/shard-{{shard}}.log",
    benchmark:
        f"{RESULTS}/timings/tokenize_reports/shard-{{shard}}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        max_pieces=project.pretraining.model.text_encoder.max_pieces,
        code=digest("tokenize_reports.py"),
    message:
        "Tokenizing reports, {wildcards.shard}"
    script:
        "../scripts/tokenize_reports.py"


rule pretrain_encoders:
    """An image encoder and a text encoder, from aligned images and reports."""
    input:
        pixels=shards("pixels"),
        images=shards("tables/images"),
        studies=shards("tables/studies"),
        tokens=shards("tables/tokens"),
        alignments=shards("tables/alignments"),
        tag_targets=shards("tables/tag_targets"),
        tokenizer=rules.train_tokenizer.output.tokenizer,
        initial=initial_weights,
    output:
        model=f"{RESULTS}/runs/{{run}}/model.safetensors",
        run=f"{RESULTS}/runs/{{run}}/run.json",
        history=f"{RESULTS}/runs/{{run}}/history.parquet",
        tokenizer=f"{RESULTS}/runs/{{run}}/tokenizer.json",
        # By file: of a folder only the loss of all that it holds would be noticed.
        image_encoder=expand(
            f"{RESULTS}/runs/{{{{run}}}}/image_encoder/{{name}}",
            name=["config.json", "model.safetensors"],
        ),
        text_encoder=expand(
            f"{RESULTS}/runs/{{{{run}}}}/text_encoder/{{name}}",
            name=[
                "config.json",
                "model.safetensors",
                "tokenizer.json",
                "tokenizer_config.json",
            ],
        ),
        rejects=f"{RESULTS}/tables/rejects/pretrain_encoders/{{run}}.parquet",
    log:
        f"{RESULTS}/logs/pretrain_encoders/{{run}}.log",
    benchmark:
        f"{RESULTS}/timings/pretrain_encoders/{{run}}.tsv"
    # The longest jobs first: small ones then fill the gaps.
    priority: 10
    conda:
        "../../envs/train.yaml"
    threads: pretraining_threads
    resources:
        mem_mb=pretraining_memory,
        gpu=pretraining_gpus,
        # For Slurm: one task on one node sees all the GPUs, and starts the processes.
        nodes=1,
        tasks_per_gpu=0,
    params:
        config=pretraining_settings,
        max_reject_share=project.pretraining.max_reject_share,
        code=digest("pretrain_encoders.py"),
    message:
        "Pre-training the run {wildcards.run}"
    script:
        "../scripts/pretrain_encoders.py"
