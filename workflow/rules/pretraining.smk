"""ALIGNMENTS, TAG_TARGETS, sentences and pixels -> pre-trained encoders."""

stage = StagePlan(plan, Stage.TRAIN_TOKENIZER)


rule train_tokenizer:
    """The word pieces of the text encoder: trained on the corpus, or its own."""
    input:
        sentences=plan.shards("tables/sentences"),
        studies=plan.shards("tables/studies"),
    output:
        tokenizer=f"{plan.results}/tokenizer/tokenizer.json",
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
        config=stage.settings(),
        code=digest(stage),
    message:
        "Making the tokenizer"
    script:
        "../scripts/train_tokenizer.py"


stage = StagePlan(plan, Stage.TOKENIZE_REPORTS)


rule tokenize_reports:
    """The sentences of each report as word pieces, with the place of every word."""
    input:
        sentences=rules.extract_triplets.output.sentences,
        tokenizer=rules.train_tokenizer.output.tokenizer,
    output:
        tokens=plan.shard("tables/tokens"),
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
        max_pieces=project.pretraining.model.text_encoder.max_pieces,
        code=digest(stage),
    message:
        "Tokenizing reports, {wildcards.shard}"
    script:
        "../scripts/tokenize_reports.py"


stage = StagePlan(plan, Stage.PRETRAIN_ENCODERS)


rule pretrain_encoders:
    """An image encoder and a text encoder, from aligned images and reports."""
    input:
        pixels=plan.shards("pixels"),
        images=plan.shards("tables/images"),
        studies=plan.shards("tables/studies"),
        tokens=plan.shards("tables/tokens"),
        alignments=plan.shards("tables/alignments"),
        tag_targets=plan.shards("tables/tag_targets"),
        tokenizer=rules.train_tokenizer.output.tokenizer,
        initial=per("run", plan.initial_files),
    output:
        model=f"{plan.results}/runs/{{run}}/model.safetensors",
        run=f"{plan.results}/runs/{{run}}/run.json",
        history=f"{plan.results}/runs/{{run}}/history.parquet",
        tokenizer=f"{plan.results}/runs/{{run}}/tokenizer.json",
        # By file: of a folder only the loss of all that it holds would be noticed.
        image_encoder=expand(
            f"{plan.results}/runs/{{{{run}}}}/image_encoder/{{name}}",
            name=["config.json", "model.safetensors"],
        ),
        text_encoder=expand(
            f"{plan.results}/runs/{{{{run}}}}/text_encoder/{{name}}",
            name=[
                "config.json",
                "model.safetensors",
                "tokenizer.json",
                "tokenizer_config.json",
            ],
        ),
        rejects=stage.rejects,
    log:
        stage.log,
    benchmark:
        stage.timing
    # The longest jobs first: small ones then fill the gaps.
    priority: 10
    conda:
        "../../envs/train.yaml"
    threads: per("run", stage.threads)
    resources:
        mem_mb=per("run", stage.memory_mb),
        gpu=per("run", stage.gpus),
        # For Slurm: one task on one node sees all the GPUs, and starts the processes.
        nodes=1,
        tasks_per_gpu=0,
    params:
        config=per("run", stage.settings),
        max_reject_share=project.pretraining.max_reject_share,
        code=digest(stage),
    message:
        "Pre-training the run {wildcards.run}"
    script:
        "../scripts/pretrain_encoders.py"
