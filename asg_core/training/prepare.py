"""From a job to the parts of a run: corpora, model, optimiser, schedule, checkpoints."""

import json
from pathlib import Path

import torch
from torch import Tensor

from asg_core.data.batches import PretrainDataset
from asg_core.data.corpus import digest_pixels
from asg_core.data.make_corpora import Corpora, CorpusTables, make_corpora
from asg_core.data.order import Order
from asg_core.data.texts import encode_texts
from asg_core.data.tokenizer import load_tokenizer, special_pieces
from asg_core.images.crop import CropDraw
from asg_core.images.pixel_cache import PixelCache
from asg_core.learning.checkpoint import Checkpoints
from asg_core.learning.optimizer import make_optimizer
from asg_core.learning.processes import World, wrap
from asg_core.learning.run_folder import TOKENIZER, WEIGHTS
from asg_core.learning.step import total_loss
from asg_core.models.asg import AsgModel
from asg_core.models.build import build_model
from asg_core.models.checkpoint import load_model
from asg_core.provenance import file_digest
from asg_core.tables.catalog import ALIGNMENTS, IMAGES, STUDIES, TAG_TARGETS, TOKENS
from asg_core.tables.schema import read_tables
from asg_core.terms.findings import FINDINGS
from asg_core.training.config import PretrainingSettings
from asg_core.training.job import PretrainJob
from asg_core.training.loop import Log, RunParts
from asg_core.training.objective import make_objective
from asg_core.training.schedule import count_steps, make_schedule

_NOT_IDENTITY = {
    "checkpoint_every",
    "log_every",
    "workers",
    "processes",
    "device",
    "initial",
}
"""Settings that do not decide what is learned, or that are noted in another way."""


def read_corpora(job: PretrainJob, *, cache: PixelCache) -> Corpora:
    """Read the tables of a job; see `make_corpora` for what is used and rejected."""
    tables = CorpusTables(
        images=read_tables(job.images, schema=IMAGES),
        studies=read_tables(job.studies, schema=STUDIES),
        tokens=read_tables(job.tokens, schema=TOKENS),
        alignments=read_tables(job.alignments, schema=ALIGNMENTS),
        tag_targets=read_tables(job.tag_targets, schema=TAG_TARGETS),
    )
    tokenizer = load_tokenizer(job.tokenizer)
    losses = job.settings.losses
    return make_corpora(
        tables,
        cache=cache,
        views=job.views,
        special=special_pieces(tokenizer, where=str(job.tokenizer)),
        uncertain_tags=losses.uncertain_tags,
        unmentioned_tags=losses.unmentioned_tags,
    )


def prepare(
    job: PretrainJob,
    corpora: Corpora,
    *,
    cache: PixelCache,
    world: World,
    log: Log,
) -> RunParts:
    """Return the parts of a run, with the weights that it starts from.

    Raises:
        ValueError: If there are fewer images than one batch has, or if weights or
            tokenizer do not fit.
    """
    settings = job.settings
    order = make_order(corpora, settings, size=world.size, rank=world.rank)
    num_steps = count_steps(settings, steps_per_epoch=order.steps_per_epoch)
    draw = CropDraw(
        size=settings.model.image_encoder.size, **settings.crop.model_dump()
    )
    train = PretrainDataset(corpora.train, cache=cache, crop=draw, seed=settings.seed)
    on_validate = PretrainDataset(corpora.validate, cache=cache, crop=draw, seed=None)
    objective = make_objective(settings.losses, world=world)
    model = make_model(job).to(world.device).train()

    def probe() -> Tensor:
        draws = next(order.draws(first=0, end=1))
        model.eval()
        found = objective.evaluate(model, train[draws].to(world.device))
        model.train()
        return total_loss(found.losses, objective.weights)

    wrapped = wrap(model, world=world, probe=probe)
    return RunParts(
        model=model,
        wrapped=wrapped,
        optimizer=make_optimizer(
            model,
            learning_rate=settings.optimizer.learning_rate,
            weight_decay=settings.optimizer.weight_decay,
            decay_everything=settings.optimizer.decay_everything,
        ),
        objective=objective,
        world=world,
        settings=settings,
        order=order,
        train=train,
        validate=on_validate if len(on_validate) else None,
        num_steps=num_steps,
        schedule=make_schedule(settings.optimizer, num_steps=num_steps),
        checkpoints=Checkpoints(
            work=job.work,
            identity=_identity(job, corpora, cache=cache, world=world),
        ),
        log=log,
    )


def make_order(
    corpora: Corpora, settings: PretrainingSettings, *, size: int, rank: int
) -> Order:
    """Return the order of the training images for one of `size` processes.

    Raises:
        ValueError: If there are fewer images than one batch of all processes has.
    """
    num_images = len(corpora.train)
    if num_images < settings.batch_size * size:
        raise ValueError(
            f"pretrain: expected at least one batch of {size} x {settings.batch_size} "
            f"images of split 'train', found {num_images} with pixels and a report; "
            "lower pretraining.batch_size or processes, or give more images"
        )
    return Order(
        num_images=num_images,
        batch_size=settings.batch_size,
        seed=settings.seed,
        world_size=size,
        rank=rank,
    )


def make_model(job: PretrainJob) -> AsgModel:
    """Return the model with the weights that the run starts from."""
    settings = job.settings
    tokenizer = load_tokenizer(job.tokenizer)
    pieces = encode_texts(
        FINDINGS,
        tokenizer=tokenizer,
        max_pieces=settings.model.text_encoder.max_pieces,
    )
    torch.manual_seed(settings.seed)
    model = build_model(
        settings.model,
        vocabulary_size=tokenizer.get_vocab_size(),
        piece_FT=pieces.piece_BT,
        is_piece_FT=pieces.is_piece_BT,
    )
    if settings.initial is not None:
        _start_from(model, Path(settings.initial), tokenizer=job.tokenizer)
    return model


def _start_from(model: AsgModel, folder: Path, *, tokenizer: Path) -> None:
    """Load the weights of an earlier run.

    Raises:
        ValueError: If they are of another model or another tokenizer.
    """
    earlier = load_model(folder)
    if file_digest(folder / TOKENIZER) != file_digest(tokenizer):
        raise ValueError(
            f"pretraining.initial: expected a run with the tokenizer of this corpus, "
            f"found another one in {folder}; start from a run of this corpus, or give "
            "both the same text_encoder.name"
        )
    try:
        model.load_state_dict(earlier.state_dict())
    except RuntimeError as error:
        raise ValueError(
            f"pretraining.initial: expected weights for the configured model in "
            f"{folder}, found those of another: {error}; give `model` the settings of "
            "that run"
        ) from error


def _identity(
    job: PretrainJob, corpora: Corpora, *, cache: PixelCache, world: World
) -> str:
    """Return everything that decides the losses, as text."""
    settings = job.settings
    initial = settings.initial
    parts = {
        "settings": settings.model_dump(mode="json", exclude=_NOT_IDENTITY),
        "initial": initial and file_digest(Path(initial) / WEIGHTS),
        "device": world.device.type,
        "processes": world.size,
        "tokenizer": file_digest(job.tokenizer),
        "pixels": digest_pixels(cache, corpora.train.image_ids),
        "train": corpora.train.digest(),
        "validate": corpora.validate.digest(),
    }
    return json.dumps(parts, sort_keys=True)
