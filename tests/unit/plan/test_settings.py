"""Which keys re-run which stage."""

import json

import pytest

from asg_core.config import resolve_config
from asg_core.plan.run import RunPlan
from asg_core.plan.settings import Slice, settings_of
from asg_core.terms.stages import Stage

ENCODERS = {
    "ours": {"kind": "run", "run": "full"},
    "floor": {"kind": "random", "run": "full"},
    "pixels": {"kind": "pixels"},
}
RUNS = {"full": {}, "long": {"epochs": 99}}
BASE = {"pretraining": {"runs": RUNS}, "evaluation": {"encoders": ENCODERS}}


def plan_of(**sections: object) -> RunPlan:
    return RunPlan(resolve_config(BASE | sections))


def slices(plan: RunPlan) -> dict[str, Slice]:
    """Return the slices of all jobs of a run, by stage and item."""
    items = {
        Stage.PRETRAIN_ENCODERS: list(plan.runs),
        Stage.READ_BENCHMARK: list(plan.benchmarks),
        Stage.EXTRACT_FEATURES: list(plan.encoders),
        Stage.EVALUATE_ENCODER: list(plan.encoders),
    }
    without = {
        *(Stage.IMPORT_REGIONS, Stage.TOKENIZE_REPORTS, Stage.SCORE_TRIPLETS),
        *(Stage.SCORE_BOXES, Stage.COUNT_TABLES),
    }
    return {
        f"{stage}/{item}".removesuffix("/"): settings_of(plan, stage, item)
        for stage in plan.stages
        if stage not in without
        for item in items.get(stage, [""])
    }


def changed_by(**sections: object) -> set[str]:
    before, after = slices(plan_of()), slices(plan_of(**sections))
    assert before.keys() == after.keys()
    return {name for name in before if before[name] != after[name]}


EVALUATED = {f"evaluate_encoder/{name}" for name in ENCODERS}
ENCODED = {f"extract_features/{name}" for name in ENCODERS}
READ = {"read_source", "read_reports"}
TRAINED = {"pretrain_encoders/full", "pretrain_encoders/long"}
FROM_RUNS = {"extract_features/floor", "evaluate_encoder/floor"}


@pytest.mark.parametrize(
    ("sections", "stages"),
    [
        ({"corpus": {"max_reject_share": 0.5}}, READ),
        ({"corpus": {"synthetic": {"patients": 50}}}, {"make_synthetic"}),
        ({"corpus": {"inventory": "index"}}, set()),
        ({"images": {"size": 272}}, {"cache_pixels"}),
        ({"reports": {"include_history": True}}, {"extract_triplets"}),
        ({"reports": {"scispacy": {"model": "other"}}}, set()),
        ({"reports": {"radgraph": {"device": "cuda"}}}, set()),
        ({"regions": {"training": {"batch_size": 7}}}, {"train_detector"}),
        ({"regions": {"detection": {"batch_size": 3}}}, {"detect_regions"}),
        ({"regions": {"annotations": {"max_reject_share": 1}}}, {"read_annotations"}),
        ({"alignment": {"policy": "split"}}, {"align_regions"}),
        (
            {"alignment": {"views": ["PA"]}},
            {"align_regions", "score_alignments", *TRAINED},
        ),
        ({"check_triplets": {"num_reports": 9}}, {"draw_triplet_sheet"}),
        ({"check_triplets": {"max_unjudged_share": 0.9}}, set()),
        ({"check_triplets": {"second_opinion": {"max_unread_share": 0.5}}}, set()),
        (
            {"pretraining": {"runs": RUNS | {"full": {"epochs": 3}}}},
            {"pretrain_encoders/full"},
        ),
        ({"pretraining": {"runs": RUNS, "batch_size": 9}}, TRAINED),
        (
            {"pretraining": {"runs": RUNS, "crop": {"resize": 250}}},
            TRAINED | FROM_RUNS,
        ),
        (
            {
                "pretraining": {
                    "runs": RUNS,
                    "model": {"text_encoder": {"lower_case": False}},
                }
            },
            TRAINED | {"train_tokenizer"},
        ),
        (
            {
                "pretraining": {
                    "runs": RUNS,
                    "model": {"text_encoder": {"num_layers": 2}},
                }
            },
            TRAINED,
        ),
        (
            {"evaluation": {"encoders": ENCODERS, "bootstrap": 7}},
            EVALUATED,
        ),
        (
            {"evaluation": {"encoders": ENCODERS, "batch_size": 7}},
            EVALUATED | ENCODED,
        ),
        (
            {
                "evaluation": {
                    "encoders": ENCODERS
                    | {"pixels": {"kind": "pixels", "thumbnail": 8}}
                }
            },
            {"extract_features/pixels", "evaluate_encoder/pixels"},
        ),
        (
            {
                "evaluation": {
                    "encoders": ENCODERS,
                    "benchmarks": {"nih": {"validate_share": 0.3}},
                }
            },
            {"read_benchmark/nih"},
        ),
        # Only features with patches are of use to segmentation.
        (
            {"evaluation": {"encoders": ENCODERS, "protocols": ["linear-cached"]}},
            EVALUATED | ENCODED,
        ),
        (
            {
                "evaluation": {
                    "encoders": ENCODERS,
                    "protocols": ["segmentation-cached"],
                }
            },
            EVALUATED,
        ),
        ({"summary": {"published": False}}, {"build_summary"}),
        ({"tracking": {"experiment": "other"}}, set()),
        ({"privacy": {"export_examples": True}}, set()),
    ],
    ids=lambda value: (
        str(value) if isinstance(value, dict) else ",".join(sorted(value))
    ),
)
def test_a_key_changes_the_slices_of_the_stages_that_read_it(
    sections: dict[str, object], stages: set[str]
) -> None:
    assert changed_by(**sections) == stages


def test_where_a_benchmark_lies_is_no_part_of_its_slice() -> None:
    """The root is a parameter of its own, so that a folder can be moved."""
    moved = {"encoders": ENCODERS, "benchmarks": {"siim": {"root": "/elsewhere"}}}

    assert changed_by(evaluation=moved) == set()


def test_the_parser_reads_its_own_section() -> None:
    of_lexicon = settings_of(plan_of(), Stage.EXTRACT_TRIPLETS)
    radgraph = {"parser": "radgraph", "radgraph": {"device": "cuda"}}
    of_radgraph = settings_of(plan_of(reports=radgraph), Stage.EXTRACT_TRIPLETS)

    assert not {"radgraph", "scispacy"} & of_lexicon.keys()
    assert of_radgraph["radgraph"]["device"] == "cuda"
    assert "scispacy" not in of_radgraph


def test_a_second_opinion_depends_on_its_own_keys_and_on_those_of_its_parser() -> None:
    def found(second: dict[str, object], **reports: object) -> Slice:
        plan = plan_of(check_triplets={"second_opinion": second}, reports=reports)
        return settings_of(plan, Stage.COMPARE_TRIPLETS)

    radgraph = found({"parser": "radgraph"}, include_history=True)
    files = found({"triplets": "/t.parquet"})

    assert radgraph["second_opinion"]["parser"] == "radgraph"
    assert radgraph["reports"]["parser"] == "radgraph"
    assert radgraph["reports"]["include_history"]
    assert "radgraph" in radgraph["reports"]
    assert "scispacy" not in radgraph["reports"]
    assert files == {
        "second_opinion": {
            "parser": None,
            "triplets": "/t.parquet",
            "max_unread_share": 1.0,
        },
        "reports": {"include_history": False},
    }
    assert found({"parser": "radgraph"}, max_scope_tokens=9) != found(
        {"parser": "radgraph"}
    )
    assert found({"triplets": "/t.parquet"}, max_scope_tokens=9) == files
    assert json.loads(json.dumps(radgraph)) == radgraph


def test_the_slice_of_a_run_says_which_images_it_trains_on() -> None:
    full, long = (
        settings_of(plan_of(), Stage.PRETRAIN_ENCODERS, run) for run in ("full", "long")
    )

    assert (full["epochs"], long["epochs"]) == (50, 99)
    assert (
        full["views"] == plan_of().project.model_dump(mode="json")["alignment"]["views"]
    )


def test_slices_are_plain_values() -> None:
    """Snakemake keeps them as text: anything else would look changed at every start."""
    for values in slices(plan_of()).values():
        assert json.loads(json.dumps(values)) == values


@pytest.mark.parametrize(
    ("stage", "item", "section", "left_out", "added"),
    [
        (Stage.MAKE_SYNTHETIC, "", "corpus.synthetic", set(), set()),
        (Stage.READ_SOURCE, "", "corpus", {"synthetic", "inventory"}, set()),
        (Stage.READ_REPORTS, "", "corpus", {"synthetic", "inventory"}, set()),
        (
            Stage.EXTRACT_TRIPLETS,
            "",
            "reports",
            {"radgraph", "scispacy", "brat"},
            set(),
        ),
        (Stage.CACHE_PIXELS, "", "images", set(), set()),
        (Stage.TRAIN_DETECTOR, "", "regions.training", set(), set()),
        (Stage.DETECT_REGIONS, "", "regions.detection", set(), set()),
        (Stage.ALIGN_REGIONS, "", "alignment", set(), set()),
        (
            Stage.PRETRAIN_ENCODERS,
            "full",
            "pretraining",
            {"enabled", "runs", "max_reject_share"},
            {"views"},
        ),
        (
            Stage.EVALUATE_ENCODER,
            "pixels",
            "evaluation",
            {"benchmarks", "encoders", "image_size"},
            {"encoder"},
        ),
        (
            Stage.DRAW_TRIPLET_SHEET,
            "",
            "check_triplets",
            {"filled", "max_unjudged_share", "second_opinion"},
            set(),
        ),
        (
            Stage.SCORE_TRIPLET_SHEET,
            "",
            "check_triplets",
            {"filled", "num_reports", "second_opinion"},
            set(),
        ),
        (
            Stage.SCORE_ALIGNMENTS,
            "",
            "alignment",
            {"policy", "existences", "max_units", "max_reject_share"},
            set(),
        ),
        (Stage.BUILD_SUMMARY, "", "summary", set(), set()),
    ],
)
def test_a_slice_has_every_key_of_its_section_but_those_that_are_read_elsewhere(
    stage: Stage, item: str, section: str, left_out: set[str], added: set[str]
) -> None:
    plan = plan_of()
    whole = plan.project.model_dump(mode="json")
    for part in section.split("."):
        whole = whole[part]

    found = settings_of(plan, stage, item)

    expected = {key: value for key, value in whole.items() if key not in left_out}
    assert {key: found[key] for key in found if key not in added} == expected
    assert added <= found.keys()
    assert left_out <= whole.keys()


def test_the_tokenizer_and_the_features_depend_on_these_keys_alone() -> None:
    """The others of their sections change no byte of what the two stages make."""
    plan = plan_of()
    text = plan.project.pretraining.model.text_encoder
    evaluation = plan.project.evaluation

    assert settings_of(plan, Stage.TRAIN_TOKENIZER) == {
        "name": text.name,
        "lower_case": None,
        "max_unknown_share": text.max_unknown_share,
        "scratch": {"vocabulary": text.scratch.vocabulary},
    }
    assert settings_of(plan, Stage.EXTRACT_FEATURES, "pixels") == {
        "batch_size": evaluation.batch_size,
        "device": "cpu",
        "precision": evaluation.precision,
        "threads": evaluation.threads,
        "encoder": plan.encoders["pixels"].model_dump(mode="json"),
        "has_patches": True,
    }
