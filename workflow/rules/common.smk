"""Names and helpers that every rule file uses. What a run makes is decided in asg_core.plan."""

from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.io import strip_wildcard_constraints
from snakemake.settings.types import DeploymentMethod
from snakemake_interface_executor_plugins.settings import ExecMode

from asg_core.benchmarks.registry import BENCHMARKS
from asg_core.config import ConfigError, resolve_config
from asg_core.plan.inventory import save_inventory, saved_inventory, take_inventory
from asg_core.plan.machine import check_machine
from asg_core.plan.run import RunPlan
from asg_core.plan.stage import StagePlan
from asg_core.plan.start import check_start
from asg_core.plan.summary import (
    shown_settings,
    summary_index,
    summary_inputs,
    summary_pages,
    summary_tables,
)
from asg_core.plan.targets import Target, stages_of
from asg_core.provenance import code_digest
from asg_core.terms.stages import Stage

SCRIPTS = Path(workflow.basedir) / "workflow" / "scripts"

# With conda a package is in the rule's environment, where only the job can look.
USES_CONDA = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method

# Stops before any job, with one sentence per wrong key.
try:
    project = resolve_config(config)
    plan = RunPlan(project)
    check_start(plan, uses_conda=USES_CONDA)
    is_submitted = workflow.exec_mode == ExecMode.REMOTE
    inventory = saved_inventory(plan) if is_submitted else None
    inventory = inventory or take_inventory(plan)
except ConfigError as error:
    raise WorkflowError(str(error)) from None


wildcard_constraints:
    shard="[0-9]{4}-of-[0-9]{4}",
    run="[a-z0-9_]+",
    encoder="[a-z0-9_]+",
    benchmark="|".join(BENCHMARKS),


def per(wildcard, values):
    """Return what Snakemake asks for each job: a function or a mapping of one wildcard."""
    value_of = values if callable(values) else values.__getitem__
    return lambda wildcards: value_of(wildcards[wildcard])


def digest(stage):
    """Return the digest of all package code and data that a stage's script can reach."""
    return code_digest(SCRIPTS / f"{stage.name}.py")


def stage_digests():
    """Return the code digest of every stage that the summary tells of."""
    stages = sorted(stage for stage in plan.stages if stage != Stage.BUILD_SUMMARY)
    return {str(name): digest(StagePlan(plan, name)) for name in stages}


def declared_outputs(*stages):
    """Return every output that the rules of some stages declare, for all wildcards.

    A file that nobody asks for is not missed by Snakemake when it is lost, as long as what
    was made from it is there.
    """
    patterns = [
        pattern
        for rule in workflow.rules
        if rule.name in stages
        for pattern in rule.output
    ]
    # An unknown wildcard is an error: its rule's outputs would never be asked for.
    return expand(map(strip_wildcard_constraints, patterns), **plan.domains)


def everything():
    """Return all outputs but those of a sheet that is to be marked.

    One is drawn when somebody asks for it: plain `snakemake` must not replace marks.
    """
    return declared_outputs(*set(plan.stages) - {Stage.DRAW_TRIPLET_SHEET})


def outputs_of(target):
    """Return a function that gives a target's files, or says why there are none."""

    def files(wildcards):
        try:
            return declared_outputs(*stages_of(plan, target))
        except ConfigError as error:
            raise WorkflowError(str(error)) from None

    return files


def check_jobs():
    """Refuse jobs that this machine, or the model hub, has not what they need for."""
    jobs = {}
    for job in workflow.dag.needrun_jobs():
        named = job.wildcards_dict
        about = jobs.setdefault(job.rule.name, set())
        about.update({named[key] for key in ("run", "encoder") if key in named})
    try:
        check_machine(plan, jobs=jobs, is_submitted=workflow.non_local_exec)
    except ConfigError as error:
        raise WorkflowError(str(error)) from None
