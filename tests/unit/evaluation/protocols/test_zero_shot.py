from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from asg_core.benchmarks.form import Benchmark
from asg_core.benchmarks.nih.read import TARGETS as NIH
from asg_core.evaluation.config import PromptsConfig
from asg_core.evaluation.encoders import NetworkEncoder, PixelEncoder, read_inputs
from asg_core.evaluation.features import Features
from asg_core.evaluation.protocols.result import NotApplicable, ProtocolResult
from asg_core.evaluation.protocols.zero_shot import (
    TextSide,
    tag_rules,
    text_side,
    zero_shot_prompts,
    zero_shot_tags,
)
from asg_core.evaluation.scoring.target_metrics import ScoreRules
from asg_core.evaluation.target_phrases import prompt_queries, tag_queries
from asg_core.images.pixel_cache import PixelCache
from asg_core.tables.catalog import SCORES
from asg_core.terms.findings import finding_index
from support.small_evaluation import (
    fits_of,
    labelled,
    load_run,
    pixels_of,
    save_run,
    scores_of,
    small_discs,
)

DISCS = small_discs(train=2, validate=4, test=6)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> NetworkEncoder:
    return load_run(save_run(tmp_path_factory.mktemp("run")))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> PixelCache:
    return pixels_of(DISCS, tmp_path_factory.mktemp("pixels"))


def _text(encoder: NetworkEncoder) -> TextSide:
    found = text_side(encoder, losses=("tags",))
    assert isinstance(found, TextSide)
    return found


def _features(
    encoder: NetworkEncoder, cache: PixelCache, benchmark: Benchmark
) -> Features:
    image_ids = sorted(benchmark.images["image_id"])
    encoded = encoder.features(read_inputs(encoder, cache, image_ids))
    return Features(
        encoder="full",
        image_ids=tuple(image_ids),
        pooled_NE=encoded.pooled_BE.numpy(),
    )


def _notes(result: ProtocolResult | NotApplicable) -> list[str]:
    assert isinstance(result, ProtocolResult), result
    return list(result.notes())


def _scores(frame: pl.DataFrame, target: str) -> list[float]:
    rows = frame.filter(pl.col("target") == target).sort("image_id")
    return rows["score"].to_list()


def test_thirteen_targets_of_nih_are_tags_and_fibrosis_is_not() -> None:
    queries = {query.target: query for query in tag_queries(NIH)}

    assert [name for name, query in queries.items() if not query.is_tag] == ["Fibrosis"]
    assert queries["Effusion"].phrase == "pleural effusion"
    assert queries["Pleural_Thickening"].phrase == "pleural thicken"
    assert queries["Fibrosis"].phrase == "fibrosis"
    rules = tag_rules(NIH)
    assert len(rules.means["all"]) == 13
    assert rules.means["all with free text"] == NIH


def test_what_is_no_finding_is_not_asked_for() -> None:
    targets = ("No Finding", "Lung Opacity", "Edema")

    assert [q.phrase for q in tag_queries(targets)] == ["opacity", "edema"]
    names = prompt_queries(targets, phrases={"Edema": "swelling"})
    assert [q.phrase for q in names] == ["lung opacity", "swelling"]
    spelt = prompt_queries(("Effusion", "Pleural_Thickening"), phrases={})
    assert [q.phrase for q in spelt] == ["pleural effusion", "pleural thickening"]
    assert "no finding" in tag_rules(targets).unscored["No Finding"]
    assert "all with free text" not in tag_rules(targets).means


def test_tags_are_scored_by_the_sigmoid_of_their_logit(
    encoder: NetworkEncoder, cache: PixelCache
) -> None:
    benchmark = labelled(DISCS, ("Mass", "Effusion", "Fibrosis"))

    result = zero_shot_tags(benchmark, encoder, cache, batch_size=4)

    SCORES.check(scores_of(result), where="here")
    test = benchmark.part("test")
    assert encoder.model is not None
    with torch.no_grad():
        logit_NF = encoder.model.tag_logits(read_inputs(encoder, cache, test))
    for target, tag in (("Mass", "mass"), ("Effusion", "pleural effusion")):
        expected = logit_NF[:, finding_index(tag)].sigmoid()
        np.testing.assert_allclose(
            _scores(scores_of(result), target), expected, atol=1e-5
        )
    assert scores_of(result).select("fraction", "seed").unique().rows() == [(0.0, 0)]
    (fit,) = fits_of(result)
    assert set(fit.validation["image_id"]) == set(benchmark.part("validate"))
    assert _notes(result)[1] == (
        "zero-shot-tags: in free text, not trained on: fibrosis"
    )


def test_free_text_is_asked_for_beside_the_tags_and_leaves_them_alone(
    encoder: NetworkEncoder, cache: PixelCache
) -> None:
    alone = labelled(DISCS, ("Mass",))
    both = labelled(DISCS, ("Mass", "Fibrosis"))
    text = _text(encoder)

    result = zero_shot_tags(both, encoder, cache, batch_size=4)

    of_alone = scores_of(zero_shot_tags(alone, encoder, cache, batch_size=4))
    assert _scores(scores_of(result), "Mass") == _scores(of_alone, "Mass")
    assert encoder.model is not None
    model = encoder.model
    with torch.no_grad():
        queries_QE = torch.cat(
            [
                model.text_queries(model.piece_FT, model.is_piece_FT),
                model.text_queries(*text.pieces(["fibrosis"])),
            ]
        )
        images = read_inputs(encoder, cache, both.part("test"))
        expected = model.tag_logits(images, queries_QE)[:, -1].sigmoid()
    np.testing.assert_allclose(
        _scores(scores_of(result), "Fibrosis"), expected, atol=1e-5
    )


def test_prompts_are_scored_by_the_softmax_of_two_cosines(
    encoder: NetworkEncoder, cache: PixelCache
) -> None:
    benchmark = labelled(DISCS, ("Mass", "Edema"))
    features = _features(encoder, cache, benchmark)

    result = zero_shot_prompts(
        benchmark, encoder, features, config=PromptsConfig(temperature=0.5)
    )

    SCORES.check(scores_of(result), where="here")
    assert encoder.model is not None
    with torch.no_grad():
        images = read_inputs(encoder, cache, benchmark.part("test"))
        image_ND = encoder.model.image_embedding(images)
        pieces = _text(encoder).pieces(["edema", "no edema"])
        cosine_N2 = image_ND @ encoder.model.text_embedding(*pieces).T
        expected = (cosine_N2 / 0.5).softmax(dim=1)[:, 0]
    np.testing.assert_allclose(_scores(scores_of(result), "Edema"), expected, atol=1e-5)
    assert "templates 'chexzero': ['{}'] against ['no {}']" in _notes(result)[0]


def test_prompts_leave_out_what_is_no_finding_and_say_why(
    encoder: NetworkEncoder, cache: PixelCache
) -> None:
    benchmark = labelled(DISCS, ("No Finding", "Edema"))

    result = zero_shot_prompts(
        benchmark,
        encoder,
        _features(encoder, cache, benchmark),
        config=PromptsConfig(),
    )

    assert set(scores_of(result)["target"]) == {"Edema"}
    assert isinstance(result, ProtocolResult)
    assert isinstance(result.rules, ScoreRules)
    assert "no finding" in result.rules.unscored["No Finding"]
    assert result.rules.has_oracle


def test_several_templates_are_joined_as_the_settings_say(
    encoder: NetworkEncoder, cache: PixelCache
) -> None:
    benchmark = labelled(DISCS, ("Mass",))
    features, text = _features(encoder, cache, benchmark), _text(encoder)
    assert encoder.model is not None
    with torch.no_grad():
        images = read_inputs(encoder, cache, benchmark.part("test"))
        image_ND = encoder.model.image_embedding(images)
        texts = ["mass", "there is mass", "no mass"]
        one_D, two_D, not_D = encoder.model.text_embedding(*text.pieces(texts))
    mean_D = (one_D + two_D) / 2
    for aggregation, positive_D in (
        ("mean-cosine", mean_D),
        ("mean-embedding", mean_D / mean_D.norm()),
    ):
        config = PromptsConfig.model_validate(
            {"positive": ("{}", "there is {}"), "aggregation": aggregation}
        )

        result = zero_shot_prompts(benchmark, encoder, features, config=config)

        expected = (image_ND @ (positive_D - not_D)).sigmoid()
        np.testing.assert_allclose(
            _scores(scores_of(result), "Mass"), expected, atol=1e-5
        )


def test_classes_are_compared_with_each_other(
    encoder: NetworkEncoder, cache: PixelCache
) -> None:
    classes = ("normal", "pneumonia", "COVID-19")
    benchmark = labelled(DISCS, classes, name="covidx", is_exclusive=True)
    features = _features(encoder, cache, benchmark)

    config = PromptsConfig(temperature=0.5, phrases={"normal": "healthy lungs"})

    result = zero_shot_prompts(benchmark, encoder, features, config=config)

    assert encoder.model is not None
    with torch.no_grad():
        images = read_inputs(encoder, cache, benchmark.part("test"))
        image_ND = encoder.model.image_embedding(images)
        pieces = _text(encoder).pieces(["healthy lungs", "pneumonia", "covid-19"])
        cosine_N3 = image_ND @ encoder.model.text_embedding(*pieces).T
    expected_N3 = (cosine_N3 / 0.5).softmax(dim=1)
    for target, expected in zip(classes, expected_N3.T, strict=True):
        np.testing.assert_allclose(
            _scores(scores_of(result), target), expected, atol=1e-5
        )
    sums = np.sum([_scores(scores_of(result), target) for target in classes], axis=0)
    np.testing.assert_allclose(sums, 1, atol=1e-5)
    assert "against" not in _notes(result)[0]


def test_an_encoder_without_text_or_without_the_loss_has_nothing_to_ask(
    encoder: NetworkEncoder, tmp_path: Path
) -> None:
    pixels = PixelEncoder(name="pixels", resize=32, input_size=32, thumbnail=4)
    without_tags = load_run(save_run(tmp_path / "run", losses={"image_report": 1.0}))

    assert "no text side" in str(text_side(pixels, losses=("tags",)))
    image_only = replace(encoder, model=None)
    assert "no text side" in str(text_side(image_only, losses=("tags",)))
    assert "without the loss it needs: tags" in str(
        text_side(without_tags, losses=("tags",))
    )
    assert isinstance(
        text_side(without_tags, losses=("image_report", "soft_labels")), TextSide
    )
