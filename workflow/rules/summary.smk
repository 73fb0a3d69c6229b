"""Everything under results/ -> a folder of HTML, and the tables as CSV, Markdown, LaTeX."""


rule build_summary:
    """The pages that show what was made and how well."""
    input:
        **summary_inputs(),
    output:
        index=f"{RESULTS}/summary/index.html",
        pages=summary_outputs(page_files, without="index.html"),
        tables=summary_outputs(table_files),
    log:
        f"{RESULTS}/logs/build_summary/all.log",
    benchmark:
        f"{RESULTS}/timings/build_summary/all.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        config=settings(project.summary),
        project=summary_settings(),
        root=SOURCE_ROOT if HAS_CORPUS else None,
        is_synthetic=IS_SYNTHETIC,
        may_export_examples=IS_SYNTHETIC or project.privacy.export_examples,
        digests=rule_digests(),
        code=digest("build_summary.py"),
    message:
        "Building the summary of {project.corpus.name}"
    script:
        "../scripts/build_summary.py"
