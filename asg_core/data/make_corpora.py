"""Bring images, reports, units and tags of a corpus together for pre-training."""

# Shape suffixes:
#   N = images, S = studies, U = units, K = words of all units, F = findings

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from asg_core.data.corpus import PretrainCorpus
from asg_core.data.tokenizer import SpecialPieces
from asg_core.data.tokens import counts_to_indices
from asg_core.images.pixel_cache import PixelCache
from asg_core.tables.catalog import FINDING, REJECTS
from asg_core.terms.existence import Existence
from asg_core.terms.findings import FINDINGS
from asg_core.terms.stages import Stage

logger = logging.getLogger(__name__)

STAGE = Stage.PRETRAIN_ENCODERS

UncertainTags = Literal["negative", "positive", "ignore", "soft"]
UnmentionedTags = Literal["negative", "ignore"]

_UNCERTAIN: dict[UncertainTags, tuple[float, bool]] = {
    "negative": (0.0, True),
    "positive": (1.0, True),
    "ignore": (0.0, False),
    "soft": (0.5, True),
}
"""Target of a hedged tag, and whether it takes part in the tag loss."""

_SPAN_KEY = 1 << 32
"""Keeps the offsets of one report apart from those of the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusTables:
    """The tables that a corpus is made of, all shards of each."""

    images: pl.DataFrame
    studies: pl.DataFrame
    tokens: pl.DataFrame
    alignments: pl.DataFrame
    tag_targets: pl.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpora:
    """What `make_corpora` makes."""

    train: PretrainCorpus
    validate: PretrainCorpus
    rejects: pl.DataFrame  # in the schema REJECTS
    num_items: int
    """Images that could have been used: those used and those rejected."""

    num_units_without_words: int
    """Units that were left out, as the words of all their text were cut off."""


def make_corpora(
    tables: CorpusTables,
    *,
    cache: PixelCache,
    views: Sequence[str],
    special: SpecialPieces,
    uncertain_tags: UncertainTags,
    unmentioned_tags: UnmentionedTags,
) -> Corpora:
    """Return the corpora of the splits `train` and `validate`.

    They hold the images of `views` whose study is in the split, that are in the pixel
    cache, and whose report has words. Those that lack something are rejected, and so are
    images that alignments name and no table knows. An image without units takes part
    with its report. A unit has the words that its spans touch; without any, it is left
    out and counted.

    Either corpus can be empty: what that means is the caller's part.

    Args:
        tables: Rows of the tables `images`, `studies`, `tokens`, `alignments` and
            `tag_targets`.
        cache: The pixels.
        views: Views of the images that take part: those that were aligned.
        special: Ids of the pieces that frame a report.
        uncertain_tags: Target of a tag that the report hedges; `soft` is 0.5.
        unmentioned_tags: Target of a tag that the report does not mention.
    """
    chosen, rejects = _choose(tables, cache=cache, views=views)
    policy = (uncertain_tags, unmentioned_tags)
    (train, lost_train), (validate, lost_validate) = (
        _make(tables, chosen, split=split, cache=cache, special=special, policy=policy)
        for split in ("train", "validate")
    )
    corpora = Corpora(
        train=train,
        validate=validate,
        rejects=rejects,
        num_items=len(chosen) + len(rejects),
        num_units_without_words=lost_train + lost_validate,
    )
    logger.info(
        "%d images in, %d to train on with %d units, %d to validate on with %d units, "
        "%d rejected; %d units lost all their words to the longest report allowed",
        len(tables.images),
        len(train),
        train.num_units,
        len(validate),
        validate.num_units,
        len(rejects),
        corpora.num_units_without_words,
    )
    return corpora


def _choose(
    tables: CorpusTables, *, cache: PixelCache, views: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the images to use with their study's patient and split, and the rejects."""
    with_words = tables.tokens.filter(pl.col("word_starts").list.len() > 0)
    images = (
        tables.images.filter(pl.col("view").cast(pl.String).is_in(list(views)))
        .select("image_id", "study_id")
        .join(tables.studies, on="study_id", how="left")
        .filter(pl.col("split").is_null() | (pl.col("split").cast(pl.String) != "test"))
        .with_columns(
            is_cached=pl.col("image_id").is_in(list(cache.image_ids)),
            has_words=pl.col("study_id").is_in(with_words["study_id"].to_list()),
        )
        .sort("image_id")
    )
    reason = (
        pl.when(pl.col("split").is_null())
        .then(pl.lit("unknown_study"))
        .when(~pl.col("is_cached"))
        .then(pl.lit("image_not_cached"))
        .when(~pl.col("has_words"))
        .then(pl.lit("study_without_words"))
    )
    judged = images.with_columns(reason=reason)
    rejects = [
        _reject(image_id, name, study_id)
        for image_id, study_id, name in judged.filter(pl.col("reason").is_not_null())
        .select("image_id", "study_id", "reason")
        .iter_rows()
    ]
    strangers = tables.alignments.join(tables.images, on="image_id", how="anti")
    rejects += [
        _reject(image_id, "unknown_image", study_id)
        for image_id, study_id in strangers.select("image_id", "study_id")
        .unique("image_id", maintain_order=True)
        .iter_rows()
    ]
    frame = REJECTS.frame(rejects).sort(REJECTS.key)
    return judged.filter(pl.col("reason").is_null()), frame


_DETAILS = {
    "unknown_study": "expected the image's study {study} in the table studies, found none",
    "image_not_cached": "expected its pixels in the cache, found none: it was rejected "
    "there, or images.views leaves out its view",
    "study_without_words": "expected words in the report of study {study}, found none in "
    "the sections that are read",
    "unknown_image": "expected the image that an alignment of study {study} names in the "
    "table images, found none",
}


def _reject(image_id: str, reason: str, study_id: str) -> dict[str, str]:
    detail = f"{image_id}: {_DETAILS[reason].format(study=study_id)}"
    return {"stage": STAGE, "item_id": image_id, "reason": reason, "detail": detail}


def _make(
    tables: CorpusTables,
    chosen: pl.DataFrame,
    *,
    split: str,
    cache: PixelCache,
    special: SpecialPieces,
    policy: tuple[UncertainTags, UnmentionedTags],
) -> tuple[PretrainCorpus, int]:
    """Return the corpus of a split, and how many units without words it left out."""
    images = chosen.filter(pl.col("split").cast(pl.String) == split)
    tokens = tables.tokens.join(images, on="study_id", how="semi").sort("study_id")
    placed = (
        images.select("image_id", "study_id")
        .join(_numbered(images["image_id"], name="image"), on="image_id")
        .join(_numbered(tokens["study_id"], name="study"), on="study_id")
        .sort("image")
    )
    units, num_words_U, unit_word_K = _units(tables.alignments, placed, tokens=tokens)
    num_units_N = np.bincount(units["image"].to_numpy(), minlength=len(images))
    tag_NF, is_tag_NF = _tags(
        tables.tag_targets.join(placed, on="image_id"),
        num_images=len(images),
        policy=policy,
    )
    corpus = PretrainCorpus(
        split=split,
        image_ids=tuple(images["image_id"].to_list()),
        study_ids=tuple(tokens["study_id"].to_list()),
        patient_ids=tuple(images["patient_id"].unique().sort().to_list()),
        size=cache.size,
        special=special,
        study_N=placed["study"].to_numpy().astype(np.int32),
        piece_starts=_starts(_lengths(tokens["piece_ids"])),
        piece_P=_flat(tokens["piece_ids"]).astype(np.int32),
        word_P=_flat(tokens["word_of_piece"]).astype(np.int16),
        num_words_S=_lengths(tokens["word_starts"]).astype(np.int32),
        unit_starts=_starts(num_units_N),
        boxes_model_U4=_boxes(units, cache=cache),
        unit_word_starts=_starts(num_words_U),
        unit_word_K=unit_word_K,
        tag_NF=tag_NF,
        is_tag_NF=is_tag_NF,
    )
    num_known = len(tables.alignments.join(placed, on="image_id", how="semi"))
    return corpus, num_known - len(units)


def _units(
    alignments: pl.DataFrame, placed: pl.DataFrame, *, tokens: pl.DataFrame
) -> tuple[pl.DataFrame, npt.NDArray[np.int64], npt.NDArray[np.int16]]:
    """Return the units that have words, how many each has, and the words of all."""
    units = (
        alignments.join(placed, on="image_id", suffix="_of_image")
        .sort("image", "unit_index")
        .select("image_id", "image", "study", "spans", "box_xyxy")
    )
    num_words_U, unit_word_K = _words_of_units(units, tokens=tokens)
    has_words_U = num_words_U > 0
    kept = units.filter(pl.Series(has_words_U, dtype=pl.Boolean))
    return kept, num_words_U[has_words_U], unit_word_K


def _numbered(ids: pl.Series, *, name: str) -> pl.DataFrame:
    return ids.to_frame().with_columns(pl.int_range(pl.len()).alias(name))


def _words_of_units(
    units: pl.DataFrame, *, tokens: pl.DataFrame
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int16]]:
    """Return how many words each unit has, and the words of all, unit after unit.

    A word belongs to a unit when its characters overlap with one of the unit's spans:

        for unit: sorted({word: word_end > span.start and word_start < span.end
                          for span in unit.spans})
    """
    num_words_S = _lengths(tokens["word_starts"])
    first_word_S = np.cumsum(num_words_S) - num_words_S
    key_of_word = np.repeat(np.arange(len(tokens)) * _SPAN_KEY, num_words_S)
    starts = key_of_word + _flat(tokens["word_starts"])
    ends = key_of_word + _flat(tokens["word_ends"])

    num_spans_U = _lengths(units["spans"])
    spans = units["spans"].explode(empty_as_null=False, keep_nulls=False).struct
    study_of_span = np.repeat(units["study"].to_numpy(), num_spans_U)
    key_of_span = study_of_span * _SPAN_KEY
    firsts = np.searchsorted(
        ends, key_of_span + spans.field("start").to_numpy(), side="right"
    )
    stops = np.searchsorted(
        starts, key_of_span + spans.field("end").to_numpy(), side="left"
    )
    num_touched = np.maximum(stops - firsts, 0)
    words = np.repeat(firsts, num_touched) + counts_to_indices(num_touched)
    words -= np.repeat(first_word_S[study_of_span], num_touched)
    unit_of_span = np.repeat(np.arange(len(units)), num_spans_U)
    unit_of_word = np.repeat(unit_of_span, num_touched)
    # Spans of a unit can touch, so a word can be in two of them.
    pairs = np.unique(unit_of_word * _SPAN_KEY + words)
    num_words_U = np.bincount(pairs // _SPAN_KEY, minlength=len(units))
    return num_words_U, (pairs % _SPAN_KEY).astype(np.int16)


def _boxes(units: pl.DataFrame, *, cache: PixelCache) -> npt.NDArray[np.float32]:
    """Return the boxes (U, 4) of units in the frame of the cached squares."""
    image_ids = units["image_id"].to_list()
    original_U4 = units["box_xyxy"].to_numpy().reshape(-1, 4)
    scale_U4, offset_U4 = np.ones((len(units), 4)), np.zeros((len(units), 4))
    for row, image_id in enumerate(image_ids):
        letterbox = cache.letterbox(image_id)
        scale_U4[row] = (letterbox.scale_x, letterbox.scale_y) * 2
        offset_U4[row] = (letterbox.pad_x, letterbox.pad_y) * 2
    return (original_U4 * scale_U4 + offset_U4).astype(np.float32)


def _tags(
    targets: pl.DataFrame,
    *,
    num_images: int,
    policy: tuple[UncertainTags, UnmentionedTags],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Return targets and masks (N, F) for rows of `tag_targets` with their image."""
    uncertain, unmentioned = policy
    tag_NF = np.zeros((num_images, len(FINDINGS)), dtype=np.float32)
    is_tag_NF = np.full(tag_NF.shape, unmentioned == "negative")
    image = targets["image"].to_numpy()
    finding = targets["finding"].cast(FINDING).to_physical().to_numpy()
    existence = targets["existence"].cast(pl.String)
    value_of = {
        Existence.PRESENT: (1.0, True),
        Existence.ABSENT: (0.0, True),
        Existence.UNCERTAIN: _UNCERTAIN[uncertain],
    }
    for claim, (target, is_target) in value_of.items():
        claimed = (existence == claim.value).to_numpy()
        tag_NF[image[claimed], finding[claimed]] = target
        is_tag_NF[image[claimed], finding[claimed]] = is_target
    return tag_NF, is_tag_NF


def _lengths(lists: pl.Series) -> npt.NDArray[np.int64]:
    return lists.list.len().to_numpy().astype(np.int64)


def _flat(lists: pl.Series) -> npt.NDArray[np.int64]:
    """Return the numbers of a column of lists, row after row."""
    flat = lists.explode(empty_as_null=False, keep_nulls=False)
    return flat.to_numpy().astype(np.int64)


def _starts(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
