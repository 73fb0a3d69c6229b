"""TRIPLETS -> a sheet that a person marks; a marked sheet -> TRIPLET_SCORES."""

CHECK = f"{RESULTS}/check_triplets"

# One or the other: a marked sheet may lie where it was drawn, and must not be drawn again.
if MARKED_SHEET is None:
    CHECK_OUTPUTS = [f"{CHECK}/sheet.xlsx", f"{CHECK}/strata.csv"]

    rule draw_triplet_sheet:
        """Reports to be judged: rare kinds of claims more often, with known weights."""
        input:
            reports=shards("tables/reports"),
            sentences=shards("tables/sentences"),
            triplets=shards("tables/triplets"),
        output:
            # Never deleted before the job, which refuses to replace marks.
            sheet=update(f"{CHECK}/sheet.xlsx"),
            strata=f"{CHECK}/strata.csv",
        log:
            f"{RESULTS}/logs/draw_triplet_sheet/all.log",
        benchmark:
            f"{RESULTS}/timings/draw_triplet_sheet/all.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=4000,
        params:
            config=settings(project.check_triplets, "num_reports", "seed"),
            code=digest("draw_triplet_sheet.py"),
        message:
            "Drawing {output.sheet}, to be marked by a person"
        script:
            "../scripts/draw_triplet_sheet.py"

else:
    CHECK_OUTPUTS = [f"{CHECK}/scores.md", *sum(check_scores().values(), start=[])]

    rule score_triplet_sheet:
        """Precision, recall and F1 of the triplets that a person has judged."""
        input:
            sheet=str(MARKED_SHEET),
            triplets=shards("tables/triplets"),
        output:
            scores=f"{CHECK}/scores.parquet",
            confusions=f"{CHECK}/confusions.parquet",
            page=f"{CHECK}/scores.md",
            rejects=f"{RESULTS}/tables/rejects/score_triplet_sheet/all.parquet",
        log:
            f"{RESULTS}/logs/score_triplet_sheet/all.log",
        benchmark:
            f"{RESULTS}/timings/score_triplet_sheet/all.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=4000,
        params:
            config=settings(project.check_triplets, "seed", "max_unjudged_share"),
            code=digest("score_triplet_sheet.py"),
        message:
            "Scoring {input.sheet}: the scores will be in {output.page}"
        script:
            "../scripts/score_triplet_sheet.py"
