"""Pre-train an image encoder and a text encoder on aligned images and reports.

`pretrain` makes a whole run; `python -m asg_core.training.pretrain --job FILE` does the
same for a job in a JSON file, and is what torchrun starts in each process.
"""

import argparse
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

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
from asg_core.learning.processes import World, is_first, is_launched, join_world, wrap
from asg_core.learning.randomness import own_randomness
from asg_core.learning.run_folder import TOKENIZER, WEIGHTS
from asg_core.learning.step import total_loss
from asg_core.learning.stop import stop_requests
from asg_core.models.asg import AsgModel
from asg_core.models.build import build_model
from asg_core.models.checkpoint import load_model
from asg_core.provenance import file_digest
from asg_core.tables.catalog import ALIGNMENTS, IMAGES, STUDIES, TAG_TARGETS, TOKENS
from asg_core.tables.schema import read_tables
from asg_core.terms.findings import FINDINGS
from asg_core.training.config import CropConfig, PretrainingSettings
from asg_core.training.job import PretrainJob
from asg_core.training.launch import launch, send_metrics
from asg_core.training.loop import Log, Training, run_steps
from asg_core.training.objective import Objective
from asg_core.training.progress import Progress
from asg_core.training.publish import publish
from asg_core.training.schedule import count_steps, make_schedule

logger = logging.getLogger(__name__)

_NOT_IDENTITY = {
    "checkpoint_every",
    "log_every",
    "workers",
    "processes",
    "device",
    "initial",
}
"""Settings that do not decide what is learned, or that are noted in another way."""


def pretrain(
    job: PretrainJob,
    *,
    log: Log | None = None,
    check: Callable[[Corpora], None] | None = None,
) -> None:
    """Make one run; see `job` for what it reads and where it writes.

    The result is a folder with history.parquet, tokenizer.json, image_encoder (for timm),
    text_encoder (for transformers), model.safetensors and, last, run.json: a folder that
    has it is complete. The weights are those of the lowest validation loss, or with `keep`
    "last" and without validation images those of the last step.

    A step depends on the seed and its number only, so a run that was stopped goes on from
    its last checkpoint, on a CPU with exactly the losses it would have had. Checkpoints
    lie in a folder of `job.work` that belongs to these settings and this corpus: changed
    ones start anew beside it. They are deleted in the end. On SIGTERM a checkpoint is
    written after the step of that moment.

    With `settings.processes` above 1 this process starts as many under torchrun and
    waits for them. A process that torchrun started itself joins the others of its run.
    The number of threads of the process is set to `settings.threads`.

    Args:
        job: What to read, how to train, where to write.
        log: Called with the number of steps done and with metrics by name.
        check: Called with what was read of the corpus before any work; what it raises
            stops the run.

    Raises:
        ValueError: If there are fewer images than one batch has, or if weights,
            tokenizer or checkpoint do not fit.
        FloatingPointError: If the run diverges; the weights are then those of the step
            before.
        SystemExit: If the run was asked to stop.
    """
    settings = job.settings
    cache = PixelCache(job.pixels)
    corpora = read_corpora(job, cache=cache)
    if check is not None:
        check(corpora)
    if settings.processes > 1 and not is_launched():
        _make_order(corpora, settings, size=settings.processes, rank=0)
        del corpora, cache  # the processes read their own
        launch(job, log=log or _ignore)
        return
    torch.set_num_threads(settings.threads)
    with (
        stop_requests() as asked,
        join_world(settings.device) as world,
        own_randomness(world.device),
    ):
        training = _prepare(job, corpora, cache=cache, world=world, log=log)
        state = training.checkpoints.read(training.model, training.optimizer)
        progress = Progress.of_state(state)
        _announce(training, progress, corpora)
        run_steps(training, progress, asked=asked)
        if world.is_first:
            _finish(job, corpora, training, progress)
        world.wait()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a job of a JSON file, as one process of several or as the only one."""
    parser = argparse.ArgumentParser(prog="python -m asg_core.training.pretrain")
    parser.add_argument("--job", type=Path, required=True, help="a PretrainJob as JSON")
    path: Path = parser.parse_args(arguments).job
    job = PretrainJob.model_validate_json(path.read_text(encoding="utf-8"))
    logging.basicConfig(
        level=logging.INFO if is_first() else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
        force=True,
    )
    logging.captureWarnings(capture=True)
    pretrain(job, log=send_metrics)


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


def _prepare(
    job: PretrainJob,
    corpora: Corpora,
    *,
    cache: PixelCache,
    world: World,
    log: Log | None,
) -> Training:
    settings = job.settings
    order = _make_order(corpora, settings, size=world.size, rank=world.rank)
    size = settings.model.image_encoder.size
    draw = _crop_draw(settings.crop, size=size)
    train = PretrainDataset(corpora.train, cache=cache, crop=draw, seed=settings.seed)
    on_validate = PretrainDataset(corpora.validate, cache=cache, crop=draw, seed=None)
    model = make_model(job).to(world.device).train()
    is_global = settings.losses.negatives == "global" and world.size > 1
    objective = (
        Objective(config=settings.losses, gather=world.gather_rows)
        if is_global
        else Objective(config=settings.losses)
    )

    def probe() -> torch.Tensor:
        draws = next(order.draws(first=0, end=1))
        model.eval()
        found = objective.evaluate(model, train[draws].to(world.device))
        model.train()
        return total_loss(found.losses, objective.weights)

    num_steps = count_steps(settings, steps_per_epoch=order.steps_per_epoch)
    return Training(
        model=model,
        wrapped=wrap(model, world=world, probe=probe),
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
        log=(log or _ignore) if world.is_first else _ignore,
    )


def _make_order(
    corpora: Corpora, settings: PretrainingSettings, *, size: int, rank: int
) -> Order:
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


def _crop_draw(config: CropConfig, *, size: int) -> CropDraw:
    return CropDraw(
        resize=config.resize,
        size=size,
        log_scale=config.log_scale,
        brightness=config.brightness,
        log_contrast=config.log_contrast,
        resample=config.resample,
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
    """Return what decides the losses, as text: checkpoints belong to it."""
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


def _announce(training: Training, progress: Progress, corpora: Corpora) -> None:
    if not training.world.is_first:
        return
    logger.info(
        "pre-training on %d images in %d x %d a step, steps %d to %d",
        len(corpora.train),
        training.world.size,
        training.settings.batch_size,
        progress.step,
        training.num_steps,
    )
    if training.validate is None:
        logger.info(
            "the split 'validate' has no image: no validation, no early stop, and the "
            "weights of the last step are kept"
        )


def _finish(
    job: PretrainJob, corpora: Corpora, training: Training, progress: Progress
) -> None:
    if job.settings.keep == "best" and progress.best_step is not None:
        state = training.checkpoints.read_best(step=progress.best_step)
        training.model.load_state_dict(state)
    publish(job, corpora, training, progress)
    training.checkpoints.delete()


def _ignore(step: int, metrics: dict[str, float]) -> None:
    del step, metrics


if __name__ == "__main__":
    main()
