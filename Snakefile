"""ASG: from reports and radiographs to a pre-trained model and its scores.

Plain `snakemake --cores 2` runs the demo on the synthetic corpus; `--configfile FILE`
runs another configuration. Targets: triplets, check_triplets, boxes, alignments, pretrain,
evaluate, summary, all.
"""

from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")

# The demo's configuration is read only when no other is given: Snakemake would otherwise
# merge the two, and a key of the demo would leak into every run.
if not workflow.config_settings.configfiles:

    configfile: str(Path(workflow.basedir) / "config" / "config.yaml")


include: "workflow/rules/common.smk"


if project.has_corpus:

    include: "workflow/rules/sources.smk"
    include: "workflow/rules/reports.smk"
    include: "workflow/rules/check_triplets.smk"


if project.has_images:

    include: "workflow/rules/images.smk"


if project.has_boxes:

    include: "workflow/rules/regions.smk"
    include: "workflow/rules/alignment.smk"


if project.has_pretraining:

    include: "workflow/rules/pretraining.smk"


if Stage.EVALUATE_ENCODER in plan.stages:

    include: "workflow/rules/evaluation.smk"


include: "workflow/rules/stage_metrics.smk"
include: "workflow/rules/summary.smk"
include: "workflow/rules/tracking.smk"


rule all:
    """Everything that the configuration asks for."""
    default_target: True
    input:
        everything(),


rule triplets:
    """The tables sentences and triplets of all shards."""
    input:
        outputs_of(Target.TRIPLETS),


rule check_triplets:
    """A sheet on which a person judges triplets; of a marked one the scores."""
    input:
        outputs_of(Target.CHECK_TRIPLETS),


rule boxes:
    """The table region_boxes of all shards."""
    input:
        outputs_of(Target.BOXES),


rule alignments:
    """The tables alignments and tag_targets of all shards."""
    input:
        outputs_of(Target.ALIGNMENTS),


rule pretrain:
    """All pre-training runs."""
    input:
        outputs_of(Target.PRETRAIN),


rule evaluate:
    """All encoders on all benchmarks."""
    input:
        outputs_of(Target.EVALUATE),


rule summary:
    """The pages about everything that was made."""
    input:
        everything(),
