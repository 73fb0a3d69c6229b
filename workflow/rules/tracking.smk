"""Before the first job and after the last: the MLflow mirror, and what failed.

Jobs write events to files and never talk to MLflow (asg_core.tracking). The hooks run in
the main process only, and not in dry runs; what the jobs need of this machine is checked
first.
"""

import os

from snakemake.logging import logger

from asg_core.failed_jobs import FailureWatch, forget_failures
from asg_core.provenance import versions
from asg_core.terms.targets import ALL
from asg_core.tracking.events import Status
from asg_core.tracking.invocation import start_invocation, stop_invocation

TRACKING = Path(plan.results) / "tracking"
FAILURES = FailureWatch(lambda: workflow.dag.jobs)
EVALUATED = {"encoders": list(plan.encoders), "benchmarks": list(plan.benchmarks)}


def end_of_evaluation():
    """Print what this run evaluated; return which encoders failed, None if none did."""
    # Reads tables: not before the last job has ended.
    from asg_core.summary.terminal import end_evaluation

    made = {job.rule.name for job in workflow.dag.jobs}
    if not made & {Stage.EXTRACT_FEATURES, Stage.EVALUATE_ENCODER}:
        return None
    end = end_evaluation(Path(plan.results), **EVALUATED)
    print(f"\n{end.text}", flush=True)
    if Stage.BUILD_SUMMARY in made:
        print(f"Pages: {summary_index(plan)}", flush=True)
    return end.failure


def forget_failed_encoders():
    """Return which encoders failed and why; the next run tries them again."""
    from asg_core.summary.terminal import told_failures

    return told_failures(Path(plan.results), **EVALUATED)


onstart:
    check_jobs()
    forget_failures(folder=Path(plan.results) / "logs")
    # Before the handlers that print.
    logger.handlers.insert(0, FAILURES)
    save_inventory(plan, inventory)
    start_invocation(
        directory=TRACKING,
        config=project.model_dump(mode="json"),
        is_synthetic=plan.is_synthetic,
        watched_pid=os.getpid(),
        purpose=" ".join(sorted(workflow.dag_settings.targets)) or ALL,
        tags=versions(["torch", "torchvision", "polars", "pyarrow", "snakemake"]),
    )


onsuccess:
    logger.removeHandler(FAILURES)
    status = Status.FAILED
    try:
        failure = end_of_evaluation()
        status = Status.FINISHED if failure is None else Status.FAILED
    finally:
        stop_invocation(directory=TRACKING, status=status)
    # The jobs went on, so that others have their results; it is no success all the same.
    if failure is not None:
        raise WorkflowError(failure)


onerror:
    logger.removeHandler(FAILURES)
    encoders = forget_failed_encoders()
    stop_invocation(directory=TRACKING, status=Status.FAILED)
    screen = FAILURES.last_screen(workflow.scheduler.failed) + encoders
    # Of a run that was interrupted there is nothing to say.
    if screen:
        logger.error(screen)
