"""What the summary of a run is built from, and the files that it consists of."""

from collections.abc import Callable

from asg_core.plan.run import RunPlan
from asg_core.plan.settings import Slice, plain, without
from asg_core.summary.files import Scope, page_files, table_files
from asg_core.terms.stages import Stage

_INDEX = "index.html"


def summary_inputs(plan: RunPlan) -> dict[str, list[str]]:
    """Return the files that the summary shows, by the name of the rule's input."""
    return {
        **plan.table_files,
        **plan.sheet_scores,
        "stage_metrics": plan.metric_files,
        "rejects": plan.reject_files,
        "pixels": plan.shards("pixels") if Stage.CACHE_PIXELS in plan.stages else [],
        "runs": plan.files(f"{plan.results}/runs/{{run}}/run.json"),
        "metrics": plan.files(plan.evaluation("metrics.parquet")),
        "scores": plan.files(plan.evaluation("scores.parquet")),
        "notes": plan.files(plan.evaluation("notes.json")),
    }


def summary_index(plan: RunPlan) -> str:
    """Return the page that a reader opens."""
    return f"{plan.results}/summary/{_INDEX}"


def summary_pages(plan: RunPlan) -> list[str]:
    """Return the other pages, and what they load."""
    return [path for path in _files(plan, page_files) if path != summary_index(plan)]


def summary_tables(plan: RunPlan) -> list[str]:
    """Return the tables as CSV, Markdown and LaTeX."""
    return _files(plan, table_files)


def shown_settings(plan: RunPlan) -> Slice:
    """Return the configuration as the summary shows it: without where it is tracked."""
    values = without(plain(plan.project), "tracking")
    return dict(sorted(values.items()))


def _files(plan: RunPlan, names: Callable[[Scope], list[str]]) -> list[str]:
    project = plan.project
    scope = Scope(
        metric_files=plan.metric_stages,
        has_corpus=project.has_corpus,
        has_images=project.has_images,
        has_runs=project.has_pretraining,
        has_marked_sheet=Stage.SCORE_TRIPLET_SHEET in plan.stages,
        has_second_opinion=Stage.COMPARE_TRIPLETS in plan.stages,
        encoder_kinds=frozenset(encoder.kind for encoder in plan.encoders.values()),
        benchmarks=list(plan.benchmarks),
        protocols=project.evaluation.protocols,
        is_synthetic=plan.is_synthetic,
        has_published=project.summary.published,
    )
    return [f"{plan.results}/summary/{name}" for name in names(scope)]
