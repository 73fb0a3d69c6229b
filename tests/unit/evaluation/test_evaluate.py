import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import get_args
from unittest.mock import create_autospec

import numpy as np
import polars as pl
import pytest

from asg_core.benchmarks.form import Benchmark
from asg_core.evaluation import evaluate as evaluate_module
from asg_core.evaluation.config import EncoderConfig, EvaluationConfig, Protocol
from asg_core.evaluation.encoders import (
    NetworkEncoder,
    PixelEncoder,
    crop_of,
    prepare_encoder,
)
from asg_core.evaluation.evaluate import (
    EvaluationResult,
    evaluate,
    evaluate_encoder,
    seen_before,
)
from asg_core.evaluation.features import Features, extract_features, read_features
from asg_core.evaluation.protocols import protocol as protocol_module
from asg_core.evaluation.protocols.mgca.linear import mgca_linear
from asg_core.evaluation.protocols.mgca.segmentation import mgca_segmentation
from asg_core.evaluation.protocols.mgca.settings import (
    MGCA_LINEAR,
    MGCA_SEGMENTATION,
    MaskedBenchmark,
)
from asg_core.evaluation.protocols.protocol import PROTOCOLS
from asg_core.evaluation.protocols.segmentation_cached import (
    SEGMENTATION_CACHED,
    SegmentationCached,
)
from asg_core.evaluation.scoring.masks import read_masks, true_masks
from asg_core.images.pixel_cache import PixelCache
from asg_core.tables.catalog import METRICS, SCORES, SEGMENTATION_SCORES
from support.masked_benchmark import draw_discs
from support.small_evaluation import (
    CACHE_SIZE,
    labelled,
    load_run,
    pixels_of,
    save_run,
    small_discs,
)

DISCS = small_discs()
CONFIG = EvaluationConfig.model_validate(
    {
        "fractions": (0.01, 1.0),
        "seeds": 2,
        "bootstrap": 50,
    }
)
PIXELS = PixelEncoder(
    name="pixels", resize=CACHE_SIZE, input_size=CACHE_SIZE, thumbnail=4
)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make what is trained so small that it is trained in no time; no key can."""
    segmentation = SegmentationCached(steps=5, size=16, hidden_width=8, batch_size=4)
    monkeypatch.setitem(SEGMENTATION_CACHED, "segmentation-cached", segmentation)
    linear = replace(MGCA_LINEAR, epochs=1, batch_size=4)
    masked = replace(
        MGCA_SEGMENTATION,
        epochs=1,
        setr_channels=(8, 8),
        benchmarks={"siim": MaskedBenchmark(batch_size=4, is_balanced=True)},
    )
    for name, function in (
        ("mgca_linear", partial(mgca_linear, settings=linear)),
        ("mgca_segmentation", partial(mgca_segmentation, settings=masked)),
    ):
        monkeypatch.setattr(protocol_module, name, function)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> PixelCache:
    return pixels_of(DISCS, tmp_path_factory.mktemp("pixels"))


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> NetworkEncoder:
    return load_run(save_run(tmp_path_factory.mktemp("run")))


def _evaluate(
    benchmark: Benchmark,
    encoder: NetworkEncoder | PixelEncoder,
    cache: PixelCache,
    folder: Path,
    *,
    config: EvaluationConfig = CONFIG,
) -> EvaluationResult:
    image_ids = benchmark.images["image_id"].to_list()
    extract_features(
        encoder,
        image_ids,
        cache,
        path=folder / "features",
        batch_size=16,
        with_patches=benchmark.segmentation_target is not None,
    )
    features = read_features(
        folder / "features", encoder=encoder.name, image_ids=image_ids
    )
    return evaluate(benchmark, encoder, features, cache, config=config)


def test_every_protocol_that_applies_has_scores_and_metrics(
    full: NetworkEncoder, cache: PixelCache, tmp_path: Path
) -> None:
    result = _evaluate(DISCS.benchmark(), full, cache, tmp_path)

    SCORES.check(result.scores, where="here")
    SEGMENTATION_SCORES.check(result.segmentation_scores, where="here")
    METRICS.check(result.metrics, where="here")
    assert set(result.metrics["protocol"]) == set(CONFIG.protocols)
    assert result.not_applicable == ()
    test_ids = set(DISCS.benchmark().part("test"))
    for frame in (result.scores, result.segmentation_scores):
        assert set(frame["image_id"]) == test_ids
    assert set(result.metrics["test_digest"]) == {DISCS.benchmark().test_digest}
    whole = result.metrics.filter(pl.col("fraction") == 1.0)
    positive = whole.filter(
        (pl.col("metric") == "dice_positive") & (pl.col("target") == "all")
    ).row(0, named=True)
    assert 0 < positive["floor"] < 1  # the mean training mask
    assert positive["num_items"] == 8
    (one,) = result.segmentation_scores.filter(fraction=1.0).partition_by("fraction")
    masks_NGG = read_masks(
        true_masks(DISCS.benchmark()),
        one["image_id"].to_list(),
        letterbox_of=cache.letterbox,
        crop=crop_of(full),  # what the encoder sees, and not the whole square
        size=16,
    )
    assert one["num_true"].to_list() == masks_NGG.sum(axis=(1, 2)).tolist()


def test_every_protocol_that_can_be_named_can_be_run() -> None:
    assert set(PROTOCOLS) == set(get_args(Protocol))


def test_a_fraction_that_cannot_be_fitted_has_rows_that_say_why(
    full: NetworkEncoder, cache: PixelCache, tmp_path: Path
) -> None:
    # One training image: a linear fit sees one class; a decoder may see no mask.
    result = _evaluate(DISCS.benchmark(), full, cache, tmp_path)

    tiny = result.metrics.filter(pl.col("fraction") == 0.01)
    linear = tiny.filter(pl.col("protocol") == "linear-cached")
    assert linear["value"].null_count() == len(linear) > 0
    assert all("one class in the training labels" in why for why in linear["reason"])
    segmentation = tiny.filter(pl.col("protocol") == "segmentation-cached")
    assert set(segmentation["seed"]) == {0, 1}
    undefined = segmentation.filter(pl.col("value").is_null())
    assert all("has a mask" in why for why in undefined["reason"])
    assert set(tiny["num_train"]) == {1}


def test_what_does_not_apply_is_named_with_its_reason(
    full: NetworkEncoder, cache: PixelCache, tmp_path: Path
) -> None:
    classes = ("normal", "pneumonia", "COVID-19")
    covidx = labelled(DISCS, classes, name="covidx", is_exclusive=True)

    of_run = _evaluate(covidx, full, cache, tmp_path)
    of_pixels = _evaluate(covidx, PIXELS, cache, tmp_path)

    assert dict(of_run.not_applicable) == {
        "segmentation-cached": "the benchmark has no masks",
        "zero-shot-tags": "no tag stands for a class of this benchmark",
    }
    assert set(of_run.metrics["protocol"]) == {"linear-cached", "zero-shot-prompts"}
    assert "no text side" in dict(of_pixels.not_applicable)["zero-shot-prompts"]
    assert set(of_pixels.scores["encoder"]) == {"pixels"}


def test_zero_shot_tags_keeps_free_text_apart(
    full: NetworkEncoder, cache: PixelCache, tmp_path: Path
) -> None:
    nih = labelled(DISCS, ("Mass", "Hernia", "Fibrosis"))
    config = CONFIG.model_copy(update={"protocols": ("zero-shot-tags",)})

    metrics = _evaluate(nih, full, cache, tmp_path, config=config).metrics

    auc = metrics.filter(pl.col("metric") == "auc")
    value_of = dict(auc.select("target", "value").iter_rows())
    tags = (value_of["Mass"] + value_of["Hernia"]) / 2
    assert value_of["all"] == pytest.approx(tags)
    assert value_of["all with free text"] == pytest.approx(
        (2 * tags + value_of["Fibrosis"]) / 3
    )
    assert set(metrics["num_train"]) == {0}


@pytest.mark.parametrize("name", ["mgca-linear", "mgca-segmentation"])
def test_the_protocols_of_mgca_run_on_a_network(
    full: NetworkEncoder, cache: PixelCache, tmp_path: Path, name: str
) -> None:
    config = EvaluationConfig.model_validate(
        {"protocols": (name,), "fractions": (0.5, 1.0), "seeds": 2, "bootstrap": 20}
    )

    result = _evaluate(DISCS.benchmark(), full, cache, tmp_path, config=config)

    assert result.not_applicable == ()
    assert set(result.metrics["protocol"]) == {name}
    assert set(result.metrics["seed"]) == {42, 43}
    assert set(result.metrics["fraction"]) == {0.5, 1.0}
    assert result.metrics["value"].drop_nulls().len() > 0


def test_a_fit_that_was_not_made_says_how_many_images_it_would_have_had(
    full: NetworkEncoder, tmp_path: Path
) -> None:
    # 2 of 16 have a mask, so balanced training has 4 images and a quarter of them is 1.
    discs = draw_discs(
        {"train": 16, "validate": 4, "test": 4}, size=CACHE_SIZE, positive_every=8
    )
    config = EvaluationConfig.model_validate(
        {
            "protocols": ("mgca-segmentation",),
            "fractions": (0.25,),
            "seeds": 4,
            "bootstrap": 0,
        }
    )

    metrics = _evaluate(
        discs.benchmark(name="siim"),
        full,
        pixels_of(discs, tmp_path / "pixels"),
        tmp_path,
        config=config,
    ).metrics

    assert metrics["value"].null_count() > 0
    assert set(metrics["seed"]) == {42, 43, 44, 45}
    assert set(metrics["num_train"]) == {1}


def test_the_same_input_gives_the_same_metrics(
    cache: PixelCache, tmp_path: Path
) -> None:
    nih = labelled(DISCS, ("Mass", "Hernia"))

    one, two = (_evaluate(nih, PIXELS, cache, tmp_path) for _ in range(2))

    assert one.metrics.equals(two.metrics)
    assert one.notes == two.notes


LINEAR = CONFIG.model_copy(
    update={"protocols": ("linear-cached",), "fractions": (0.5, 1.0)}
)


def test_intervals_are_over_patients(cache: PixelCache, tmp_path: Path) -> None:
    nih = labelled(DISCS, ("Mass", "Hernia"))
    one = nih.images.with_columns(
        pl.when(split="test")
        .then(pl.lit("one"))
        .otherwise("patient_id")
        .alias("patient_id")
    )

    of_images = _evaluate(nih, PIXELS, cache, tmp_path, config=LINEAR).metrics
    of_one = _evaluate(
        replace(nih, images=one), PIXELS, cache, tmp_path, config=LINEAR
    ).metrics

    # Every resample of one patient is the test part itself.
    assert of_one.select("ci_low", "ci_high").rows() == [
        (value, value) for value in of_one["value"]
    ]
    auc = of_images.filter(metric="auc", target="Hernia")
    assert (auc["ci_low"] < auc["ci_high"]).all()


def test_draws_and_resamples_follow_the_seed(cache: PixelCache, tmp_path: Path) -> None:
    nih = labelled(DISCS, ("Mass", "Hernia"))

    metrics = {
        seed: _evaluate(
            nih,
            PIXELS,
            cache,
            tmp_path,
            config=LINEAR.model_copy(update={"seed": seed}),
        ).metrics.filter(metric="auc", target="Hernia")
        for seed in (0, 7)
    }

    assert metrics[0].filter(fraction=0.5)["seed"].to_list() == [0, 1]
    assert metrics[7].filter(fraction=0.5)["seed"].to_list() == [7, 8]
    # All images give one fit, and only its interval is another.
    (one,), (other,) = (
        metrics[seed].filter(fraction=1.0).iter_rows(named=True) for seed in (0, 7)
    )
    assert one["value"] == other["value"]
    assert (one["ci_low"], one["ci_high"]) != (other["ci_low"], other["ci_high"])


def test_the_encoder_of_an_evaluation_is_fitted_to_training_images(
    cache: PixelCache, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nih = labelled(DISCS, ("Mass",))
    prepare = create_autospec(prepare_encoder, return_value=PIXELS)
    monkeypatch.setattr(evaluate_module, "prepare_encoder", prepare)
    encoder = EncoderConfig(kind="run", run="full")
    features = Features(
        encoder="full",
        image_ids=tuple(DISCS.image_ids),
        pooled_NE=np.ones((48, 2), "f4"),
    )

    result = evaluate_encoder(
        nih, features, cache, encoder=encoder, run_folder=tmp_path, config=LINEAR
    )

    assert len(result.metrics) > 0
    prepare.assert_called_once_with(
        encoder,
        name="full",
        cache=cache,
        train_ids=nih.part("train"),
        run_folder=tmp_path,
        config=LINEAR,
    )


def test_what_an_encoder_has_learnt_from_is_said(
    cache: PixelCache, tmp_path: Path
) -> None:
    knowing = replace(PIXELS, pretrained_on=("nih", "mimic_cxr"))

    result = _evaluate(labelled(DISCS, ("Mass",)), knowing, cache, tmp_path)

    assert result.notes[0] == "the encoder has learnt from nih, mimic_cxr"
    assert "it has learnt from 'nih'" in result.notes[1]
    assert "nih and 'rsna' share some" in seen_before(("nih",), benchmark="rsna")[1]
    assert len(seen_before(("mimic_cxr",), benchmark="rsna")) == 1
    assert seen_before((), benchmark="nih") == []


def test_networks_are_imported_when_one_is_built() -> None:
    code = (
        "import sys, asg_core.evaluation.evaluate; "
        "print(sorted({'timm', 'transformers', 'torchvision'} & set(sys.modules)))"
    )

    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    # Jobs on grey values build none, and the imports take longer than such a job.
    assert done.stdout.strip() == "[]"
