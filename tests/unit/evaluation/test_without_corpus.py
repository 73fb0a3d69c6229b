"""A configuration with benchmarks and encoders and no corpus."""

from typing import Any

import pytest

from asg_core.config import ConfigError, resolve_config
from asg_core.plan.run import RunPlan
from asg_core.terms.stages import Stage

BENCHMARKS = {"nih": {"root": "/data/nih"}}
ENCODERS = {"pixels": {"kind": "pixels"}}
EVALUATION = {"benchmarks": BENCHMARKS, "encoders": ENCODERS}


def test_benchmarks_and_encoders_alone_are_a_run_without_a_corpus() -> None:
    project = resolve_config({"evaluation": EVALUATION})

    assert (project.corpus.source, project.corpus.name) == ("none", "encoders")
    assert not any(
        (
            project.has_corpus,
            project.has_images,
            project.has_boxes,
            project.has_pretraining,
        )
    )
    assert list(project.benchmarks) == ["nih"]
    assert list(project.encoders) == ["pixels"]
    assert RunPlan(project).metric_stages == (Stage.COUNT_TABLES,)


def test_a_name_does_not_make_a_corpus() -> None:
    corpus = resolve_config(
        {"corpus": {"name": "mine"}, "evaluation": EVALUATION}
    ).corpus

    assert (corpus.source, corpus.name) == ("none", "mine")


def test_no_corpus_can_be_said_in_so_many_words() -> None:
    said = resolve_config({"corpus": {"source": "none"}, "evaluation": EVALUATION})

    assert said == resolve_config({"evaluation": EVALUATION})


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"evaluation": {"benchmarks": BENCHMARKS}},
        {"evaluation": {"encoders": ENCODERS}},
        {"evaluation": EVALUATION, "corpus": {"source": "synthetic"}},
        {
            "evaluation": EVALUATION
            | {"encoders": ENCODERS | {"ours": {"kind": "run", "run": "full"}}}
        },
        {
            "evaluation": EVALUATION
            | {"encoders": ENCODERS | {"floor": {"kind": "random", "run": "full"}}}
        },
    ],
)
def test_anything_that_needs_a_corpus_keeps_the_synthetic_one(
    values: dict[str, Any],
) -> None:
    project = resolve_config(values)

    assert (project.corpus.source, project.corpus.name) == ("synthetic", "synthetic")
    assert project.has_corpus


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"corpus": {"synthetic": {"seed": 9}}}, "corpus.synthetic is set while"),
        ({"corpus": {"root": "/data/mimic"}}, "corpus.root is set while"),
        ({"corpus": {"shards": 8}}, "corpus.shards is set while"),
        ({"pretraining": {"epochs": 3}}, "pretraining is set while"),
        ({"regions": {"backend": "none"}}, "regions is set while"),
        ({"check_triplets": {"num_reports": 9}}, "check_triplets is set while"),
        ({"corpus": {"source": "none"}, "evaluation": {}}, "expected encoders"),
        (
            {"corpus": {"source": "none"}, "evaluation": {"encoders": ENCODERS}},
            "expected the root of a benchmark",
        ),
        (
            {
                "corpus": {"source": "none"},
                "evaluation": EVALUATION
                | {"encoders": {"ours": {"kind": "run", "run": "full"}}},
            },
            r"evaluation.encoders.ours.run is 'full', and the runs .* are \[\]",
        ),
    ],
)
def test_what_would_have_no_effect_is_refused(
    values: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence) as caught:
        resolve_config({"evaluation": EVALUATION} | values)

    assert "corpus.source" in str(caught.value) or "runs" in str(caught.value)


def test_a_source_that_was_left_out_is_explained() -> None:
    with pytest.raises(ConfigError, match="left out, because"):
        resolve_config({"evaluation": EVALUATION, "pretraining": {"epochs": 3}})


@pytest.mark.parametrize("encoders", [7, {"pixels": 7}, {"pixels": {"kind": 7}}])
def test_nonsense_is_refused_as_ever(encoders: object) -> None:
    with pytest.raises(ConfigError, match=r"evaluation\.encoders"):
        resolve_config({"evaluation": {"benchmarks": BENCHMARKS, "encoders": encoders}})
