"""Measure one training step: ours, in 32 and in 16 bit, against the released one.

    python bench/bench_pretraining.py [--batch 8] [--repeats 3] [--threads 1]
        [--no-memory]

The paper's ViT-B/16 configuration on random weights, random pixels and random reports
whose lengths are those of radiology reports (80 pieces on average after the cut at 112). The
three steps take turns, A B C A B C, after one turn that is not counted; medians are
printed, and their ratios. Quote ratios, not seconds. CPU seconds are of this process and
count all of its threads. Then our loader: seconds to make such a batch from a pixel cache,
and their share. Peak memory is of processes that do two steps of one kind only.

`released_step.py` says what is measured against.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import torch
from released_step import (
    NUM_PIECES,
    NUM_TAG_PIECES,
    NUM_UNIT_WORDS,
    NUM_UNITS,
    ReleasedBatch,
    ReleasedModel,
    released_step,
)
from torch import Tensor

from asg_core.data.batches import make_batch
from asg_core.data.corpus import PretrainCorpus
from asg_core.data.tokenizer import SpecialPieces
from asg_core.images.crop import CropDraw
from asg_core.images.geometry import Frame
from asg_core.images.pixel_cache import PixelCache
from asg_core.images.pixel_layout import PixelRow, write_pixels
from asg_core.learning.optimizer import make_optimizer
from asg_core.learning.processes import World
from asg_core.models.asg import AsgModel
from asg_core.models.batch import PretrainBatch
from asg_core.models.build import build_model
from asg_core.models.config import ModelConfig, ScratchTextConfig, TextEncoderConfig
from asg_core.terms.findings import FINDINGS
from asg_core.training.config import LossesConfig
from asg_core.training.objective import Objective
from asg_core.training.step import train_step

NUM_WORDS = 28996  # pieces of Bio_ClinicalBERT's vocabulary
FIRST_CONTINUATION = 25000  # from here on pieces continue a word
SPECIAL = SpecialPieces(pad=0, start=101, end=102)
CACHED, RESIZE, SEEN = 256, 256, 224
NUM_IMAGES = 256
RATE = 4e-5
KINDS = ("released", "ours fp32", "ours bf16")

Step = Callable[[], object]


def main() -> None:
    """Run the measurement and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--memory-of", choices=KINDS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with TemporaryDirectory() as name:
        corpus, cache = make_corpus(Path(name) / "pixels.parquet")
        load = loader(corpus, cache, batch_size=arguments.batch)
        if arguments.memory_of:
            ((_, step),) = make_steps([arguments.memory_of], next(load)).items()
            step()
            step()
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
            return
        cpu = measure(make_steps(KINDS, next(load)), repeats=arguments.repeats)
        data = [_cpu_seconds(lambda: next(load)) for _ in range(20)]
    show(cpu, data=median(data))
    if not arguments.no_memory:
        for kind in KINDS:
            print(f"{kind:12} peak memory {peak_memory(kind, arguments):6.2f} GiB")


def measure(steps: Mapping[str, Step], *, repeats: int) -> dict[str, list[float]]:
    """Return CPU seconds of the steps, which take turns."""
    seconds: dict[str, list[float]] = {kind: [] for kind in steps}
    for turn in range(repeats + 1):
        for kind, step in steps.items():
            cpu, wall = time.process_time(), time.perf_counter()
            step()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            print(f"turn {turn}, {kind:12} {cpu:7.2f} s CPU {wall:7.2f} s wall")
            if turn:
                seconds[kind].append(cpu)
    return seconds


def show(cpu: Mapping[str, list[float]], *, data: float) -> None:
    """Print medians, ratios and the share of the loader."""
    base = median(cpu["released"])
    for kind, seconds in cpu.items():
        step = median(seconds)
        print(f"{kind:12} {step:7.2f} s CPU a step   x{base / step:.2f}")
    fastest = median(cpu["ours bf16"])
    share = data / (data + fastest)
    print(f"our loader   {1e3 * data:7.2f} ms CPU a batch, {share:.2%} of a bf16 step")


def peak_memory(kind: str, arguments: argparse.Namespace) -> float:
    """Return the peak resident memory, in GiB, of a process of its own."""
    command = [sys.executable, __file__, "--memory-of", kind]
    command += ["--batch", str(arguments.batch), "--threads", str(arguments.threads)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def make_steps(
    kinds: list[str] | tuple[str, ...], batch: PretrainBatch
) -> dict[str, Step]:
    """Return the steps by name; ours of both precisions share weights and optimizer."""
    torch.manual_seed(0)
    tag_piece_FT, is_tag_piece_FT = tag_pieces()
    steps: dict[str, Step] = {}
    if "released" in kinds:
        steps["released"] = _released(batch, tag_piece_FT, is_tag_piece_FT)
    ours = [kind for kind in kinds if kind.startswith("ours")]
    if ours:
        model = build_model(
            paper_model(),
            vocabulary_size=NUM_WORDS,
            piece_FT=tag_piece_FT,
            is_piece_FT=is_tag_piece_FT,
        ).train()
        optimizer = make_optimizer(model, learning_rate=RATE, weight_decay=0.05)
        for kind in ours:
            steps[kind] = _ours(model, optimizer, batch, precision=kind.split()[1])
    return steps


def paper_model() -> ModelConfig:
    """Return the paper's model; the text encoder has its size and random weights."""
    return ModelConfig(
        text_encoder=TextEncoderConfig(
            name=None,
            scratch=ScratchTextConfig(
                width=768, layers=12, heads=12, vocabulary=NUM_WORDS
            ),
            num_layers=6,
            dropout=0.0,
        )
    )


def _ours(
    model: AsgModel,
    optimizer: torch.optim.Optimizer,
    batch: PretrainBatch,
    *,
    precision: str,
) -> Step:
    objective = Objective(config=LossesConfig())
    world = World(rank=0, size=1, device=torch.device("cpu"))

    def step() -> object:
        return train_step(
            model,
            optimizer,
            batch,
            objective=objective,
            world=world,
            step=0,
            seed=0,
            rate=RATE,
            max_grad_norm=None,
            precision=precision,
        )

    return step


def _released(
    batch: PretrainBatch, tag_piece_FT: Tensor, is_tag_piece_FT: Tensor
) -> Step:
    words = {piece: f"word{piece}" for piece in range(NUM_WORDS)}
    words |= {piece: f"##{piece}" for piece in range(FIRST_CONTINUATION, NUM_WORDS)}
    words |= {SPECIAL.pad: "[PAD]", SPECIAL.start: "[CLS]", SPECIAL.end: "[SEP]"}
    model = ReleasedModel(word_of_id=words).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.05)
    padded = to_released(batch, tag_piece_FT, is_tag_piece_FT)
    return lambda: released_step(model, optimizer, padded)


def to_released(
    batch: PretrainBatch, tag_piece_FT: Tensor, is_tag_piece_FT: Tensor
) -> ReleasedBatch:
    """Return the same batch, padded and normalised as the released code does."""
    num_images, num_units = batch.is_unit_BU.shape
    words_BUK = torch.full((num_images, NUM_UNITS, NUM_UNIT_WORDS), -1)
    for row in range(num_images):
        for unit in range(num_units):
            words = batch.unit_words_BUW[row, unit].nonzero()[:, 0]
            words_BUK[row, unit, : len(words)] = words
    short, units = NUM_PIECES - batch.piece_BT.shape[1], NUM_UNITS - num_units
    tags = NUM_TAG_PIECES - tag_piece_FT.shape[1]
    pad = torch.nn.functional.pad
    grey = (batch.image_BSS[:, None].float() / 255 - 0.45) / 0.225
    return ReleasedBatch(
        image_BCSS=grey.repeat(1, 3, 1, 1),
        piece_BT=pad(batch.piece_BT, (0, short), value=SPECIAL.pad),
        is_piece_BT=pad(batch.is_piece_BT, (0, short)),
        boxes_BU4=pad(batch.boxes_BU4, (0, 0, 0, units)) * 14 / SEEN,
        words_BUK=words_BUK,
        is_unit_BU=pad(batch.is_unit_BU, (0, units)),
        tag_BF=batch.tag_BF,
        tag_piece_FT=pad(tag_piece_FT, (0, tags), value=SPECIAL.pad),
        is_tag_piece_FT=pad(is_tag_piece_FT, (0, tags)),
    )


def tag_pieces() -> tuple[Tensor, Tensor]:
    """Return pieces for the names of the tags: one to three each."""
    rng = np.random.default_rng(1)
    piece_FT = np.full((len(FINDINGS), 5), SPECIAL.pad, dtype=np.int64)
    for row in piece_FT:
        end = int(rng.integers(2, 5))
        row[:end] = rng.integers(1000, FIRST_CONTINUATION, end)
        row[0], row[end] = SPECIAL.start, SPECIAL.end
    pieces = torch.from_numpy(piece_FT)
    return pieces, pieces != SPECIAL.pad


def loader(
    corpus: PretrainCorpus, cache: PixelCache, *, batch_size: int
) -> Iterator[PretrainBatch]:
    """Yield batches of random images as pre-training makes them, without end."""
    rng = np.random.default_rng(2)
    crop = CropDraw(resize=RESIZE, size=SEEN)
    while True:
        positions = rng.choice(len(corpus), batch_size, replace=False).tolist()
        crops = [crop.draw(rng) for _ in positions]
        yield make_batch(corpus, positions, cache=cache, crops=crops)


def make_corpus(path: Path) -> tuple[PretrainCorpus, PixelCache]:
    """Write a cache of noise, and return it with random reports, units and tags."""
    rng = np.random.default_rng(3)
    image_ids = tuple(f"{number:05d}" for number in range(NUM_IMAGES))
    rows = (
        PixelRow(
            image_id=image_id,
            original=Frame(width=CACHED, height=CACHED),
            pixels_SS=rng.integers(0, 256, (CACHED, CACHED), dtype=np.uint8),
        )
        for image_id in image_ids
    )
    write_pixels(rows, path=path, size=CACHED)
    lengths_N = np.clip(rng.lognormal(4.35, 0.45, NUM_IMAGES), 10, NUM_PIECES - 2)
    piece_starts = _starts(lengths_N.astype(np.int64))
    piece_P = rng.integers(1000, NUM_WORDS, piece_starts[-1]).astype(np.int32)
    piece_P[piece_starts[:-1]] = 1000  # a report does not begin with a continuation
    is_word_P = piece_P < FIRST_CONTINUATION
    first_N, last_N = piece_starts[:-1], piece_starts[1:]
    word_P = np.concatenate(
        [
            np.cumsum(is_word_P[first:last]) - 1
            for first, last in zip(first_N, last_N, strict=True)
        ]
    )
    num_words_N = word_P[last_N - 1] + 1
    num_units_N = rng.integers(1, 10, NUM_IMAGES)
    corner_U2 = rng.uniform(20, 150, (num_units_N.sum(), 2))
    boxes_U4 = np.concatenate(
        [corner_U2, corner_U2 + rng.uniform(30, 90, corner_U2.shape)], axis=1
    )
    unit_words = [
        np.sort(rng.choice(num, min(num, int(rng.integers(4, 15))), replace=False))
        for num in np.repeat(num_words_N, num_units_N)
    ]
    tag_NF = (rng.random((NUM_IMAGES, len(FINDINGS))) < 0.08).astype(np.float32)
    corpus = PretrainCorpus(
        split="train",
        image_ids=image_ids,
        study_ids=image_ids,
        patient_ids=image_ids,
        size=CACHED,
        special=SPECIAL,
        study_N=np.arange(NUM_IMAGES, dtype=np.int32),
        piece_starts=piece_starts,
        piece_P=piece_P,
        word_P=word_P.astype(np.int16),
        num_words_S=num_words_N.astype(np.int32),
        unit_starts=_starts(num_units_N),
        boxes_model_U4=boxes_U4.astype(np.float32),
        unit_word_starts=_starts(np.array([len(words) for words in unit_words])),
        unit_word_K=np.concatenate(unit_words).astype(np.int16),
        tag_NF=tag_NF,
        is_tag_NF=np.ones(tag_NF.shape, dtype=np.bool_),
    )
    return corpus, PixelCache([path])


def _starts(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _cpu_seconds(work: Step) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


if __name__ == "__main__":
    main()
