"""What a target asks for, and what is said where the run cannot make it."""

import pytest

from asg_core.config import ConfigError, resolve_config
from asg_core.plan.run import RunPlan
from asg_core.plan.targets import Target, stages_of
from asg_core.terms.stages import Stage

OPEN_I = {"name": "reports", "source": "open_i", "root": "/data", "images": "none"}
MIMIC = {"name": "mimic", "source": "mimic_cxr", "root": "/data"}
NO_CORPUS = {
    "evaluation": {
        "benchmarks": {"nih": {"root": "/nih"}},
        "encoders": {"pixels": {"kind": "pixels"}},
    }
}


def asked(target: Target, **sections: object) -> list[Stage]:
    return stages_of(RunPlan(resolve_config(sections)), target)


def test_a_target_asks_for_what_its_stages_make() -> None:
    assert asked(Target.TRIPLETS) == [Stage.READ_SOURCE, Stage.EXTRACT_TRIPLETS]
    assert asked(Target.BOXES) == [Stage.DETECT_REGIONS]
    assert asked(Target.BOXES, regions={"backend": "import"}) == [Stage.IMPORT_REGIONS]
    assert asked(Target.ALIGNMENTS) == [Stage.ALIGN_REGIONS]
    assert asked(Target.PRETRAIN) == [Stage.PRETRAIN_ENCODERS]
    assert asked(Target.EVALUATE) == [Stage.EVALUATE_ENCODER]


def test_the_check_of_triplets_draws_a_sheet_or_scores_a_marked_one() -> None:
    marked = {"filled": "sheet.csv"}

    assert asked(Target.CHECK_TRIPLETS) == [Stage.DRAW_TRIPLET_SHEET]
    assert asked(Target.CHECK_TRIPLETS, check_triplets=marked) == [
        Stage.SCORE_TRIPLET_SHEET
    ]
    second = {"second_opinion": {"triplets": "of_others.parquet"}}
    assert asked(Target.CHECK_TRIPLETS, check_triplets=second) == [
        Stage.DRAW_TRIPLET_SHEET,
        Stage.COMPARE_TRIPLETS,
    ]


@pytest.mark.parametrize(
    "target", [target for target in Target if target is not Target.EVALUATE]
)
def test_without_a_corpus_nothing_is_made_of_one(target: Target) -> None:
    with pytest.raises(ConfigError, match="This run has no corpus") as caught:
        asked(target, **NO_CORPUS)

    assert "Name a corpus, or ask for evaluate or summary." in str(caught.value)
    assert asked(Target.EVALUATE, **NO_CORPUS) == [Stage.EVALUATE_ENCODER]


@pytest.mark.parametrize("target", [Target.BOXES, Target.ALIGNMENTS, Target.PRETRAIN])
@pytest.mark.parametrize(
    ("sections", "found"),
    [
        ({"corpus": OPEN_I}, "corpus.images is 'none' and regions.backend is 'torch"),
        (
            {"corpus": MIMIC, "regions": {"backend": "none"}},
            "corpus.images is 'files' and regions.backend is 'none'",
        ),
    ],
)
def test_a_run_without_boxes_says_which_keys_decide_it(
    target: Target, sections: dict[str, object], found: str
) -> None:
    with pytest.raises(ConfigError, match="This run makes no boxes") as caught:
        asked(target, **sections)

    assert found in str(caught.value)
    assert asked(Target.TRIPLETS, **sections)


def test_a_run_that_pre_trains_nothing_says_why() -> None:
    with pytest.raises(ConfigError, match=r"pretraining\.enabled is False and") as off:
        asked(Target.PRETRAIN, pretraining={"enabled": False})
    with pytest.raises(ConfigError, match=r"pretraining\.runs has \[\]"):
        asked(
            Target.PRETRAIN,
            pretraining={"runs": {}},
            evaluation={"encoders": {"pixels": {"kind": "pixels"}}},
        )

    assert "This run pre-trains nothing" in str(off.value)


def test_a_run_that_evaluates_nothing_says_what_is_missing() -> None:
    with pytest.raises(
        ConfigError, match=r"evaluates nothing: the encoders are \['full"
    ):
        asked(Target.EVALUATE, corpus=MIMIC)
    with pytest.raises(
        ConfigError, match=r"the encoders are \[\] and the benchmarks \["
    ):
        asked(Target.EVALUATE, evaluation={"encoders": {}})
