"""The targets that a person asks for by name, and which stages make them."""

from collections.abc import Mapping
from enum import StrEnum

from asg_core.config import ConfigError
from asg_core.plan.run import RunPlan
from asg_core.terms.stages import Stage


class Target(StrEnum):
    """A target beside `all` and `summary`, which ask for everything that there is."""

    TRIPLETS = "triplets"
    CHECK_TRIPLETS = "check_triplets"
    BOXES = "boxes"
    ALIGNMENTS = "alignments"
    PRETRAIN = "pretrain"
    EVALUATE = "evaluate"


_MADE_BY: Mapping[Target, tuple[Stage, ...]] = {
    # What the source could not use is told where studies are read.
    Target.TRIPLETS: (Stage.READ_SOURCE, Stage.EXTRACT_TRIPLETS),
    Target.CHECK_TRIPLETS: (
        Stage.DRAW_TRIPLET_SHEET,
        Stage.SCORE_TRIPLET_SHEET,
        Stage.COMPARE_TRIPLETS,
    ),
    Target.BOXES: (Stage.DETECT_REGIONS, Stage.IMPORT_REGIONS),
    Target.ALIGNMENTS: (Stage.ALIGN_REGIONS,),
    Target.PRETRAIN: (Stage.PRETRAIN_ENCODERS,),
    Target.EVALUATE: (Stage.EVALUATE_ENCODER,),
}


def stages_of(plan: RunPlan, target: Target) -> list[Stage]:
    """Return the stages of this run whose files a target asks for.

    Raises:
        ConfigError: If the run has none of them; the sentence says which keys decide it.
    """
    stages = [stage for stage in _MADE_BY[target] if stage in plan.stages]
    if not stages:
        raise ConfigError(_refusal(plan, target))
    return stages


def _refusal(plan: RunPlan, target: Target) -> str:
    project = plan.project
    if target is Target.EVALUATE:
        return (
            f"This run evaluates nothing: the encoders are {sorted(plan.encoders)} and the "
            f"benchmarks {sorted(plan.benchmarks)}. Give evaluation.benchmarks.<name>.root "
            "the folder of a benchmark, and evaluation.encoders an encoder."
        )
    if not project.has_corpus:
        return (
            "This run has no corpus (corpus.source is 'none'), and the target is made of "
            "one. Name a corpus, or ask for evaluate or summary."
        )
    if not project.has_boxes:
        return (
            f"This run makes no boxes: corpus.images is '{project.corpus.images}' and "
            f"regions.backend is '{project.regions.backend}', where the target needs "
            "'files' and a backend. Set them, or ask for the target triplets."
        )
    return (
        "This run pre-trains nothing: pretraining.enabled is "
        f"{project.pretraining.enabled} and pretraining.runs has "
        f"{sorted(project.pretraining.runs)}. Set them, or ask for another target."
    )
