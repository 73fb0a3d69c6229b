"""Everything under results/ -> a folder of HTML, and the tables as CSV, Markdown, LaTeX."""

stage = StagePlan(plan, Stage.BUILD_SUMMARY)


rule build_summary:
    """The pages that show what was made and how well."""
    input:
        **summary_inputs(plan),
    output:
        index=summary_index(plan),
        pages=summary_pages(plan),
        tables=summary_tables(plan),
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
        project=shown_settings(plan),
        root=plan.source_root if project.has_corpus else None,
        is_synthetic=plan.is_synthetic,
        may_export_examples=plan.is_synthetic or project.privacy.export_examples,
        digests=stage_digests(),
        code=digest(stage),
    message:
        "Building the summary of {project.corpus.name}"
    script:
        "../scripts/build_summary.py"
