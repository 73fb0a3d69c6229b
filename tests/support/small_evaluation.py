"""A small trained model in its folder, and a benchmark with pixels to evaluate it on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import torch

from asg_core.benchmarks.form import Benchmark
from asg_core.data.texts import encode_texts
from asg_core.evaluation.config import EncoderConfig
from asg_core.evaluation.encoders import NetworkEncoder, load_encoder
from asg_core.evaluation.features import Features
from asg_core.evaluation.protocols.result import NotApplicable, ProtocolResult
from asg_core.evaluation.scoring.fits import Fit, Skipped
from asg_core.images.pixel_cache import PixelCache
from asg_core.models.build import build_model
from asg_core.models.checkpoint import save_model
from asg_core.terms.findings import FINDINGS
from support.masked_benchmark import Discs, draw_discs, make_benchmark
from support.small_models import SIZE, SMALL, VOCABULARY_SIZE, save_tokenizer

CACHE_SIZE = 40
RESIZE = 36


def save_run(folder: Path, *, losses: Mapping[str, float] | None = None) -> Path:
    """Write the folder of a run whose model knows the 40 tags; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = save_tokenizer(folder / "tokenizer.json")
    text = SMALL.text_encoder.model_copy(update={"max_pieces": 24})
    pieces = encode_texts(list(FINDINGS), tokenizer=tokenizer, max_pieces=24)
    torch.manual_seed(0)
    model = build_model(
        SMALL.model_copy(update={"text_encoder": text}),
        vocabulary_size=VOCABULARY_SIZE,
        piece_FT=pieces.piece_BT,
        is_piece_FT=pieces.is_piece_BT,
    )
    weights = {"image_report": 1.0, "tags": 5.0} if losses is None else losses
    run = {"settings": {"crop": {"resize": RESIZE}, "losses": dict(weights)}}
    save_model(model, run, folder=folder)
    return folder


def load_run(folder: Path) -> NetworkEncoder:
    """Load what `save_run` wrote, as the encoder "full"."""
    encoder = load_encoder(
        EncoderConfig(kind="run", run="full"),
        name="full",
        cache_size=CACHE_SIZE,
        run_folder=folder,
    )
    assert isinstance(encoder, NetworkEncoder)
    assert encoder.input_size == SIZE
    return encoder


def small_discs(*, train: int = 24, validate: int = 8, test: int = 16) -> Discs:
    """Return images of which each second has a disc."""
    return draw_discs(
        {"train": train, "validate": validate, "test": test}, size=CACHE_SIZE
    )


def labelled(
    discs: Discs,
    targets: Sequence[str],
    *,
    name: str = "nih",
    is_exclusive: bool = False,
    seed: int = 0,
) -> Benchmark:
    """Return a benchmark of the images; the first target is the disc, others are drawn."""
    rng = np.random.default_rng(seed)
    has_disc_N = discs.masks_NSS.any(axis=(1, 2))
    labels: dict[str, dict[str, float]] = {}
    for image_id, has_disc in zip(discs.image_ids, has_disc_N, strict=True):
        if is_exclusive:
            other = rng.integers(1, len(targets))
            chosen = 0 if has_disc else int(other)
            values = [float(place == chosen) for place in range(len(targets))]
        else:
            values = [float(has_disc), *(rng.random(len(targets) - 1) < 0.4)]
        labels[image_id] = dict(zip(targets, map(float, values), strict=True))
    return make_benchmark(
        name=name,
        split_of=dict(zip(discs.image_ids, discs.splits, strict=True)),
        labels=labels,
        is_exclusive=is_exclusive,
        size=CACHE_SIZE,
    )


def drawn_features(
    benchmark: Benchmark, *, width: int = 6, strength: float = 2.0, seed: int = 0
) -> Features:
    """Return noise to which each target adds its label in a direction of its own."""
    image_ids = sorted(benchmark.images["image_id"])
    rng = np.random.default_rng(seed)
    truth_NT = np.nan_to_num(benchmark.truth(image_ids))
    direction_TE = rng.normal(size=(truth_NT.shape[1], width))
    noise_NE = rng.normal(size=(len(image_ids), width))
    return Features(
        encoder="drawn",
        image_ids=tuple(image_ids),
        pooled_NE=(noise_NE + strength * truth_NT @ direction_TE).astype(np.float32),
    )


def without_labels(
    benchmark: Benchmark, target: str, image_ids: Sequence[str]
) -> Benchmark:
    """Return a benchmark in which images have no label for a target."""
    rows = benchmark.labels
    is_gone = (rows["target"] == target) & rows["image_id"].is_in(list(image_ids))
    return replace(benchmark, labels=rows.filter(~is_gone))


def pixels_of(discs: Discs, folder: Path) -> PixelCache:
    """Write the pixels of the images into `folder` and return their cache."""
    folder.mkdir(parents=True, exist_ok=True)
    return discs.cache(folder)


def fits_of(result: ProtocolResult | NotApplicable) -> list[Fit]:
    """Return the fits that were made, of a protocol that applies."""
    assert isinstance(result, ProtocolResult), result
    return [outcome for outcome in result.outcomes if isinstance(outcome, Fit)]


def skipped_of(result: ProtocolResult) -> list[Skipped]:
    """Return the fits that were not made."""
    return [outcome for outcome in result.outcomes if isinstance(outcome, Skipped)]


def scores_of(result: ProtocolResult | NotApplicable) -> pl.DataFrame:
    """Return the scores of the test images by all fits, of which there is one at least."""
    return pl.concat([fit.test for fit in fits_of(result)])
