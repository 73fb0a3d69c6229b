"""Batches for pre-training: a sample is a function of the seed, the epoch and its place."""

# Shape suffixes:
#   B = images of the batch, S = rows, and columns, of the cached square
#   C = rows, and columns, of the model input, T = word pieces with [CLS] and [SEP]
#   W = word slots without [CLS], U = units, F = findings, 4 = x0 y0 x1 y1

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from asg_core.data.corpus import PretrainCorpus
from asg_core.data.order import Visit
from asg_core.images.crop import Crop, CropDraw
from asg_core.images.geometry import box_area
from asg_core.images.pixel_cache import PixelCache
from asg_core.models.batch import PretrainBatch

_CROP = 1
"""First number of this module's random streams; the order has another one."""


class PretrainDataset(Dataset[PretrainBatch]):
    """The images of one split, a batch at a time.

    Nothing here changes after construction: a sample depends on the seed and on its
    `Visit` only, so it is the same in any process, in any order, and after a resume.
    """

    def __init__(
        self,
        corpus: PretrainCorpus,
        *,
        cache: PixelCache,
        crop: CropDraw,
        seed: int | None,
    ) -> None:
        """Keep what batches are made of.

        Args:
            corpus: Its images.
            cache: Their pixels.
            crop: What is cut out of them.
            seed: Draws the crops; None cuts at the centre, as validation does.
        """
        self._corpus = corpus
        self._cache = cache
        self._crop = crop
        self._seed = seed

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._corpus)

    def __getitem__(self, draws: Sequence[Visit]) -> PretrainBatch:
        """Return the batch of these draws, in their order."""
        crops = [
            self._crop.centre()
            if self._seed is None
            else self._crop.draw(np.random.default_rng((self._seed, _CROP, *draw)))
            for draw in draws
        ]
        return make_batch(
            self._corpus,
            [draw.position for draw in draws],
            cache=self._cache,
            crops=crops,
        )


def make_batch(
    corpus: PretrainCorpus,
    positions: Sequence[int],
    *,
    cache: PixelCache,
    crops: Sequence[Crop],
) -> PretrainBatch:
    """Return the images at `positions` as one batch, each through its own crop.

    Reports are padded to the longest of the batch, and units to the most of any image,
    but there is always one slot for a unit. A unit whose box lies outside of the crop is
    left out of the batch; slivers stay, as in the paper.

    Args:
        corpus: What the images come with.
        positions: 0-based indices of images of the corpus.
        cache: Their pixels.
        crops: One per image.

    Raises:
        ValueError: If there are no positions.
    """
    if not positions:
        raise ValueError("make_batch: expected at least one image, found none")
    pixels_BSS = cache.read([corpus.image_ids[position] for position in positions])
    image_BCC = np.concatenate(
        [crop.apply(pixels_BSS[[row]]) for row, crop in enumerate(crops)]
    )
    texts = _texts(corpus, corpus.study_N[positions])
    units = _units(corpus, positions, crops=crops, num_slots=texts.num_slots)
    return PretrainBatch(
        image_BSS=torch.from_numpy(image_BCC),
        piece_BT=torch.from_numpy(texts.piece_BT),
        is_piece_BT=torch.from_numpy(texts.is_piece_BT),
        word_of_piece_BT=torch.from_numpy(texts.word_of_piece_BT),
        is_word_BW=torch.from_numpy(texts.is_word_BW),
        unit_words_BUW=torch.from_numpy(units.unit_words_BUW),
        boxes_BU4=torch.from_numpy(units.boxes_BU4),
        is_unit_BU=torch.from_numpy(units.is_unit_BU),
        tag_BF=torch.from_numpy(corpus.tag_NF[positions]),
        is_tag_BF=torch.from_numpy(corpus.is_tag_NF[positions]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Texts:
    piece_BT: npt.NDArray[np.int64]
    is_piece_BT: npt.NDArray[np.bool_]
    word_of_piece_BT: npt.NDArray[np.int64]
    is_word_BW: npt.NDArray[np.bool_]

    @property
    def num_slots(self) -> int:
        return self.is_word_BW.shape[1]


def _texts(corpus: PretrainCorpus, studies: npt.NDArray[np.int32]) -> _Texts:
    firsts, stops = corpus.piece_starts[studies], corpus.piece_starts[studies + 1]
    num_pieces = stops - firsts
    num_words = corpus.num_words_S[studies]
    shape = (len(studies), int(num_pieces.max()) + 2)
    piece_BT = np.full(shape, corpus.special.pad, dtype=np.int64)
    word_of_piece_BT = np.zeros(shape, dtype=np.int64)
    piece_BT[:, 0] = corpus.special.start
    for row, (first, stop) in enumerate(zip(firsts, stops, strict=True)):
        end = stop - first + 1
        piece_BT[row, 1:end] = corpus.piece_P[first:stop]
        piece_BT[row, end] = corpus.special.end
        word_of_piece_BT[row, 1:end] = corpus.word_P[first:stop] + 1
        word_of_piece_BT[row, end] = num_words[row] + 1
    return _Texts(
        piece_BT=piece_BT,
        is_piece_BT=np.arange(shape[1]) < (num_pieces + 2)[:, None],
        word_of_piece_BT=word_of_piece_BT,
        is_word_BW=np.arange(int(num_words.max()) + 1) < (num_words + 1)[:, None],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Units:
    unit_words_BUW: npt.NDArray[np.float32]
    boxes_BU4: npt.NDArray[np.float32]
    is_unit_BU: npt.NDArray[np.bool_]


def _units(
    corpus: PretrainCorpus,
    positions: Sequence[int],
    *,
    crops: Sequence[Crop],
    num_slots: int,
) -> _Units:
    boxes, units = [], []
    for position, crop in zip(positions, crops, strict=True):
        first, stop = corpus.unit_starts[position : position + 2]
        moved = crop.to_input(corpus.boxes_model_U4[first:stop], source=corpus.size)
        # As the model gets them: a sliver can lose its area to 32 bits.
        moved_32 = moved.astype(np.float32)
        is_seen = box_area(moved_32) > 0
        boxes.append(moved_32[is_seen])
        units.append(np.arange(first, stop)[is_seen])
    most = max(1, *(len(seen) for seen in units))
    unit_words_BUW = np.zeros((len(units), most, num_slots), dtype=np.float32)
    boxes_BU4 = np.zeros((len(units), most, 4), dtype=np.float32)
    is_unit_BU = np.zeros((len(units), most), dtype=np.bool_)
    for row, (box, seen) in enumerate(zip(boxes, units, strict=True)):
        boxes_BU4[row, : len(seen)] = box
        is_unit_BU[row, : len(seen)] = True
        for column, unit in enumerate(seen):
            first, stop = corpus.unit_word_starts[unit : unit + 2]
            words = corpus.unit_word_K[first:stop]
            unit_words_BUW[row, column, words] = 1 / len(words)
    return _Units(
        unit_words_BUW=unit_words_BUW, boxes_BU4=boxes_BU4, is_unit_BU=is_unit_BU
    )
