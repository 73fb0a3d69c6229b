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


if HAS_CORPUS:

    include: "workflow/rules/sources.smk"
    include: "workflow/rules/reports.smk"
    include: "workflow/rules/check_triplets.smk"


if HAS_IMAGES:

    include: "workflow/rules/images.smk"


if HAS_BOXES:

    include: "workflow/rules/regions.smk"
    include: "workflow/rules/alignment.smk"


if HAS_PRETRAINING:

    include: "workflow/rules/pretraining.smk"


if HAS_EVALUATION:

    include: "workflow/rules/evaluation.smk"


include: "workflow/rules/metrics.smk"
include: "workflow/rules/summary.smk"
include: "workflow/rules/tracking.smk"


rule all:
    """Everything that the configuration asks for."""
    default_target: True
    input:
        declared_outputs(),


rule triplets:
    """The tables sentences and triplets of all shards."""
    input:
        triplets_or_refusal,


rule check_triplets:
    """A sheet on which a person judges triplets; of a marked one the scores."""
    input:
        check_or_refusal,


rule boxes:
    """The table region_boxes of all shards."""
    input:
        boxes_or_refusal,


rule alignments:
    """The tables alignments and tag_targets of all shards."""
    input:
        alignments_or_refusal,


rule pretrain:
    """All pre-training runs."""
    input:
        pretraining_or_refusal,


rule evaluate:
    """All encoders on all benchmarks."""
    input:
        evaluations_or_refusal,


rule summary:
    """The pages about everything that was made."""
    input:
        declared_outputs(),
