"""TRIPLETS -> a sheet that a person marks; a marked sheet -> TRIPLET_SCORES; a second opinion."""

if Stage.DRAW_TRIPLET_SHEET in plan.stages:

    stage = StagePlan(plan, Stage.DRAW_TRIPLET_SHEET)

    rule draw_triplet_sheet:
        """Reports to be judged: rare kinds of claims more often, with known weights."""
        input:
            reports=plan.shards("tables/reports"),
            sentences=plan.shards("tables/sentences"),
            triplets=plan.shards("tables/triplets"),
        output:
            # Never deleted before the job, which refuses to replace marks.
            sheet=update(f"{plan.sheet_folder}/sheet.xlsx"),
            strata=f"{plan.sheet_folder}/strata.csv",
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
            config=stage.settings(),
            code=digest(stage),
        message:
            "Drawing {output.sheet}, to be marked by a person"
        script:
            "../scripts/draw_triplet_sheet.py"

else:

    stage = StagePlan(plan, Stage.SCORE_TRIPLET_SHEET)

    rule score_triplet_sheet:
        """Precision, recall and F1 of the triplets that a person has judged."""
        input:
            sheet=str(project.check_triplets.filled),
            triplets=plan.shards("tables/triplets"),
        output:
            scores=f"{plan.sheet_folder}/scores.parquet",
            confusions=f"{plan.sheet_folder}/confusions.parquet",
            page=f"{plan.sheet_folder}/scores.md",
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
            config=stage.settings(),
            code=digest(stage),
        message:
            "Scoring {input.sheet}: the scores will be in {output.page}"
        script:
            "../scripts/score_triplet_sheet.py"


if Stage.COMPARE_TRIPLETS in plan.stages:

    stage = StagePlan(plan, Stage.COMPARE_TRIPLETS)

    rule compare_triplets:
        """Where a second parser, or triplets made elsewhere, say something else."""
        input:
            reports=rules.read_reports.output.reports,
            sentences=rules.extract_triplets.output.sentences,
            triplets=rules.extract_triplets.output.triplets,
            second=plan.second_triplets,
            parser=plan.parser_files(stage.name),
        output:
            comparisons=plan.shard("tables/triplet_comparisons"),
            rejects=stage.rejects,
        log:
            stage.log,
        benchmark:
            stage.timing
        conda:
            f"../../envs/{plan.parser_environment(stage.name)}.yaml"
        threads: 1
        resources:
            mem_mb=stage.memory_mb(),
            gpu=stage.gpus(),
        params:
            config=stage.settings(),
            code=digest(stage),
        message:
            "Comparing the triplets with a second opinion, {wildcards.shard}"
        script:
            "../scripts/compare_triplets.py"
