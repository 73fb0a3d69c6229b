"""The images of one split with their reports, units and tags, as plain arrays.

Arrays and not tables: processes that prepare batches are forked, and the thread pool of
Polars does not survive that.
"""

# Shape suffixes:
#   N = images, S = studies, P = word pieces of all studies, U = units of all images
#   K = words of all units, F = findings, 4 = x0 y0 x1 y1

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from asg_core.data.tokenizer import SpecialPieces
from asg_core.images.pixel_cache import PixelCache

_SAMPLE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainCorpus:
    """What batches of one split are made of; see `make_corpora`.

    A `..._starts` array of n + 1 numbers cuts a flat one into n pieces: those of item i
    are from `starts[i]` up to and without `starts[i + 1]`.
    """

    split: str
    image_ids: tuple[str, ...]
    """Sorted. All of them are in the pixel cache and have a report with words."""

    study_ids: tuple[str, ...]
    """Sorted."""

    patient_ids: tuple[str, ...]
    """Sorted, each once."""

    size: int
    """Side of the cached squares, in pixels."""

    special: SpecialPieces
    study_N: npt.NDArray[np.int32]
    """Index of each image's study."""

    piece_starts: npt.NDArray[np.int64]  # (S + 1,)
    piece_P: npt.NDArray[np.int32]
    word_P: npt.NDArray[np.int16]
    """0-based word of each piece."""

    num_words_S: npt.NDArray[np.int32]
    unit_starts: npt.NDArray[np.int64]  # (N + 1,)
    boxes_model_U4: npt.NDArray[np.float32]
    """Pixels of the cached square."""

    unit_word_starts: npt.NDArray[np.int64]  # (U + 1,)
    unit_word_K: npt.NDArray[np.int16]
    """0-based words of each unit, ascending."""

    tag_NF: npt.NDArray[np.float32]
    """Targets in [0, 1], in the order of FINDINGS."""

    is_tag_NF: npt.NDArray[np.bool_]
    """False where a tag takes no part in the tag loss."""

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.image_ids)

    @property
    def num_units(self) -> int:
        """Units of all images."""
        return len(self.boxes_model_U4)

    def digest(self) -> str:
        """Return a digest of everything here: images, reports, units and tags.

        It does not cover what the pixels of the images are; see `digest_pixels`.
        """
        state = blake2b(digest_size=16)
        for names in (self.image_ids, self.study_ids, self.patient_ids):
            state.update(repr(names).encode())
        state.update(repr((self.split, self.size, self.special)).encode())
        for array in (
            self.study_N,
            self.piece_starts,
            self.piece_P,
            self.word_P,
            self.num_words_S,
            self.unit_starts,
            self.boxes_model_U4,
            self.unit_word_starts,
            self.unit_word_K,
            self.tag_NF,
            self.is_tag_NF,
        ):
            state.update(repr(array.shape).encode())
            state.update(np.ascontiguousarray(array).tobytes())
        return state.hexdigest()


def digest_ids(ids: tuple[str, ...]) -> str:
    """Return blake2b-64 of the sorted ids, joined by newlines."""
    return blake2b("\n".join(sorted(ids)).encode(), digest_size=8).hexdigest()


def digest_pixels(cache: PixelCache, image_ids: Sequence[str]) -> str:
    """Return a digest of the pixels of at most 64 of the images, evenly spread.

    Another way of decoding or scaling changes all images, so a sample shows it; reading
    all would take minutes. No images give the digest of nothing.
    """
    step = max(1, -(-len(image_ids) // _SAMPLE))
    return blake2b(cache.read(image_ids[::step]).tobytes(), digest_size=16).hexdigest()
