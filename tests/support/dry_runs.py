"""Many dry runs of one checkout in one process: the Snakefile is read once.

    python -m support.dry_runs CONFIGFILE

Run in the checkout, with its package in PYTHONPATH. Standard input is a JSON list of
requests, each {"lost": FILE or null, "graph": BOOL, "asks": RULE or null}; standard output
the list of answers: the files that a run would make with that file moved away; or what
every job makes and reads, as [[FILE, ...], [FILE, ...]]; or what the jobs of a rule ask the
scheduler for.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from snakemake.api import SnakemakeApi, WorkflowApi
from snakemake.settings.enums import Quietness, RerunTrigger
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    ExecutionSettings,
    OutputSettings,
    ResourceSettings,
)

# Those of profiles/default, which only the command line reads.
TRIGGERS = ("mtime", "params", "input", "software-env")


def answer(workflow: WorkflowApi, request: dict[str, Any]) -> list[Any]:
    """Return the answer to a request, from a process of its own."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        with os.fdopen(writer, "w") as stream, moved_away(request["lost"]):
            json.dump(planned(workflow, request), stream)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        found: list[Any] = json.load(stream)
    os.wait()
    return found


def planned(workflow: WorkflowApi, request: dict[str, Any]) -> list[Any]:
    triggers = frozenset(RerunTrigger.parse_choices_set(TRIGGERS))
    dag = workflow.dag(DAGSettings(rerun_triggers=triggers))
    files: list[str] = []
    settings = ExecutionSettings(lock=False)
    dag.execute_workflow("dryrun", execution_settings=settings, updated_files=files)
    if request["graph"]:
        jobs = [job for job in workflow._workflow.dag.jobs if job.output]
        return [[sorted(job.output), sorted(job.input)] for job in jobs]
    if request["asks"] is not None:
        return asked_for(workflow, rule=request["asks"])
    return sorted(str(file) for file in files)


def asked_for(workflow: WorkflowApi, *, rule: str) -> list[str]:
    """Return the distinct resources of a rule's jobs, as name=number."""
    jobs = [job for job in workflow._workflow.dag.jobs if job.rule.name == rule]
    return sorted(
        {f"{name}={value}" for job in jobs for name, value in job.resources.items()}
    )


@contextmanager
def moved_away(path: str | None) -> Iterator[None]:
    if path is None:
        yield
        return
    hidden = Path(f"{path}.hidden")
    Path(path).rename(hidden)
    try:
        yield
    finally:
        hidden.rename(path)


def main() -> None:
    requests = json.load(sys.stdin)
    quiet = OutputSettings(quiet=frozenset(Quietness.all()))
    with SnakemakeApi(quiet) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=64),
            config_settings=ConfigSettings(configfiles=[Path(sys.argv[1])]),
            snakefile=Path("Snakefile"),
        )
        workflow.dag()  # reads the Snakefile
        answers = [answer(workflow, request) for request in requests]
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
