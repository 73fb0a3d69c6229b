from dataclasses import fields, replace
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from asg_core.data.batches import PretrainDataset, make_batch
from asg_core.data.corpus import PretrainCorpus, digest_pixels
from asg_core.data.make_corpora import (
    Corpora,
    CorpusTables,
    UncertainTags,
    UnmentionedTags,
    make_corpora,
)
from asg_core.data.order import Visit
from asg_core.data.stream import BatchStream
from asg_core.data.tokenizer import load_tokenizer, special_pieces
from asg_core.data.tokens import WORD
from asg_core.images.crop import CropDraw, centre_crop
from asg_core.images.pixel_cache import PixelCache
from asg_core.models.batch import PretrainBatch
from asg_core.summary.pages.data import rejects_by_stage
from asg_core.summary.pages.pipeline import draw_pipeline
from asg_core.tables.catalog import ALIGNMENTS, TAG_TARGETS, TOKENS
from asg_core.terms.findings import finding_index
from support.small_corpus import FRAME, SIZE, SmallCorpus


@pytest.fixture(scope="module")
def cache(small: SmallCorpus) -> PixelCache:
    return PixelCache([small.pixels])


def _corpora(
    tables: CorpusTables,
    small: SmallCorpus,
    cache: PixelCache,
    *,
    uncertain_tags: UncertainTags = "negative",
    unmentioned_tags: UnmentionedTags = "negative",
) -> Corpora:
    return make_corpora(
        tables,
        cache=cache,
        views=("PA",),
        special=special_pieces(load_tokenizer(small.tokenizer), where="test"),
        uncertain_tags=uncertain_tags,
        unmentioned_tags=unmentioned_tags,
    )


def _words_of_unit(corpus: PretrainCorpus, unit: int) -> list[int]:
    first, stop = corpus.unit_word_starts[unit : unit + 2]
    return [int(word) for word in corpus.unit_word_K[first:stop]]


def test_splits_units_and_their_words(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache
) -> None:
    corpora = _corpora(tables, small, cache)

    train, validate = corpora.train, corpora.validate
    assert (len(train), len(validate), corpora.num_items) == (16, 8, 24)
    assert corpora.rejects.is_empty()
    assert set(train.patient_ids).isdisjoint(validate.patient_ids)
    assert train.num_units == 4 * 16
    report = small.reports["study-000"]
    row = small.tokens.filter(pl.col("study_id") == "study-000").row(0, named=True)
    for unit in range(4):
        span = small.alignments.row(unit, named=True)["spans"][0]
        words = [
            index
            for index, (start, end) in enumerate(
                zip(row["word_starts"], row["word_ends"], strict=True)
            )
            if end > span["start"] and start < span["end"]
        ]
        assert _words_of_unit(train, unit) == words
        text = " ".join(
            report[row["word_starts"][word] : row["word_ends"][word]] for word in words
        )
        assert text == report[span["start"] : span["end"]].replace(",", " ,").replace(
            ".", " ."
        )


def test_a_span_that_cuts_a_word_takes_the_word_and_no_word_counts_twice(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache
) -> None:
    row = small.tokens.row(0, named=True)
    starts, ends = row["word_starts"], row["word_ends"]
    spans = [
        {"start": ends[1] - 1, "end": starts[3] + 1},  # words 1, 2, 3
        {"start": starts[3], "end": ends[3]},  # word 3 again
        {"start": ends[5], "end": ends[5]},  # nothing
        {"start": 10_000, "end": 10_010},  # beyond the report, not in the next one
    ]
    unit = small.alignments.row(0, named=True) | {"spans": spans}
    changed = replace(tables, alignments=ALIGNMENTS.frame([unit]))

    corpora = _corpora(changed, small, cache)

    assert corpora.train.num_units == 1
    assert _words_of_unit(corpora.train, 0) == [1, 2, 3]


def test_units_whose_words_were_cut_off_are_counted_and_the_image_stays(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache
) -> None:
    row = small.tokens.row(0, named=True)
    num_pieces = sum(word < 5 for word in row["word_of_piece"])
    short = row | {
        "piece_ids": row["piece_ids"][:num_pieces],
        "word_of_piece": row["word_of_piece"][:num_pieces],
        "word_starts": row["word_starts"][:5],
        "word_ends": row["word_ends"][:5],
    }
    others = small.tokens.filter(pl.col("study_id") != row["study_id"])
    changed = replace(tables, tokens=pl.concat([TOKENS.frame([short]), others]))

    corpora = _corpora(changed, small, cache)

    assert corpora.num_units_without_words == 3
    assert len(corpora.train) == 16
    assert list(np.diff(corpora.train.unit_starts)[:2]) == [1, 4]
    assert _words_of_unit(corpora.train, 0) == [0, 1, 2, 3, 4]


def test_what_cannot_be_used_is_rejected_with_its_reason(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache
) -> None:
    stranger = small.alignments.row(0, named=True) | {"image_id": "stranger"}
    uncached = small.images.row(1, named=True) | {"image_id": "uncached"}
    homeless = small.images.row(2, named=True) | {"study_id": "nowhere"}
    lateral = small.images.row(3, named=True) | {"image_id": "z", "view": "LATERAL"}
    images = small.images.filter(pl.col("image_id") != homeless["image_id"])
    extra = pl.DataFrame([uncached, homeless, lateral], schema=images.schema)
    changed = replace(
        tables,
        images=pl.concat([images, extra]),
        tokens=small.tokens.filter(pl.col("study_id") != "study-004"),
        alignments=pl.concat([small.alignments, ALIGNMENTS.frame([stranger])]),
    )

    corpora = _corpora(changed, small, cache)

    found = dict(corpora.rejects.select("item_id", "reason").iter_rows())
    assert found == {
        "uncached": "image_not_cached",
        "image-002": "unknown_study",
        "image-004": "study_without_words",
        "stranger": "unknown_image",
    }
    assert corpora.num_items == 24 - 2 + 4
    assert len(corpora.train) == 14
    assert "study-004" in corpora.rejects.sort("item_id")["detail"][1]
    steps = draw_pipeline(
        rows={},
        rejects=rejects_by_stage(corpora.rejects),
        num_runs=1,
        num_encoders=0,
        num_benchmarks=0,
    )
    assert steps[0][0].nodes[0].notes == ("4 rejected",), "not on the overview"


def test_images_of_the_test_split_take_no_part(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache
) -> None:
    split = pl.lit("test").cast(small.studies.schema["split"])
    is_first = pl.col("study_id") == "study-000"
    studies = small.studies.with_columns(
        split=pl.when(is_first).then(split).otherwise(pl.col("split"))
    )

    corpora = _corpora(replace(tables, studies=studies), small, cache)

    assert "image-000" not in corpora.train.image_ids
    assert corpora.num_items == 23


@pytest.mark.parametrize(
    ("uncertain", "expected"),
    [
        ("negative", (0.0, True)),
        ("positive", (1.0, True)),
        ("ignore", (0.0, False)),
        ("soft", (0.5, True)),
    ],
)
def test_targets_of_tags_follow_the_policy(
    tables: CorpusTables,
    small: SmallCorpus,
    cache: PixelCache,
    uncertain: UncertainTags,
    expected: tuple[float, bool],
) -> None:
    claims = {"edema": "present", "mass": "absent", "tube": "uncertain"}
    targets = TAG_TARGETS.frame(
        {"image_id": "image-000", "finding": finding, "existence": existence}
        for finding, existence in claims.items()
    )

    corpora = _corpora(
        replace(tables, tag_targets=targets),
        small,
        cache,
        uncertain_tags=uncertain,
        unmentioned_tags="ignore",
    )

    def of(finding: str, image: int = 0) -> tuple[float, bool]:
        column = finding_index(finding)
        train = corpora.train
        return float(train.tag_NF[image, column]), bool(train.is_tag_NF[image, column])

    assert of("edema") == (1.0, True)
    assert of("mass") == (0.0, True)
    assert of("tube") == expected
    assert of("hernia") == (0.0, False)
    assert of("edema", image=1) == (0.0, False)


def test_an_unmentioned_tag_can_be_a_negative(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache
) -> None:
    corpora = _corpora(tables, small, cache)

    column = finding_index("hernia")
    assert corpora.train.is_tag_NF[:, column].all()
    assert not corpora.train.tag_NF[:, column].any()


def _batch(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache, positions: list[int]
) -> tuple[PretrainCorpus, PretrainBatch]:
    corpus = _corpora(tables, small, cache).train
    crops = [centre_crop(SIZE, 24)] * len(positions)
    return corpus, make_batch(corpus, positions, cache=cache, crops=crops)


def test_a_batch_holds_what_the_report_says(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache
) -> None:
    _, batch = _batch(tables, small, cache, [5, 2])

    tokenizer = load_tokenizer(small.tokenizer)
    for row, study_id in enumerate(["study-005", "study-002"]):
        pieces = batch.piece_BT[row][batch.is_piece_BT[row]].tolist()
        tokens = small.tokens.filter(pl.col("study_id") == study_id).row(0, named=True)
        assert pieces[1:-1] == tokens["piece_ids"]
        assert tokenizer.id_to_token(pieces[0]) == "[CLS]"
        assert tokenizer.id_to_token(pieces[-1]) == "[SEP]"
        slots = batch.word_of_piece_BT[row][batch.is_piece_BT[row]].tolist()
        num_words = len(tokens["word_starts"])
        assert slots == [0, *(w + 1 for w in tokens["word_of_piece"]), num_words + 1]
        assert batch.is_word_BW[row].sum() == num_words + 1
        padding = batch.piece_BT[row][~batch.is_piece_BT[row]]
        assert set(padding.tolist()) <= {tokenizer.token_to_id("[PAD]")}
    assert batch.is_word_BW.shape[1] == batch.unit_words_BUW.shape[2]
    sums = batch.unit_words_BUW.sum(dim=-1)
    torch.testing.assert_close(sums, batch.is_unit_BU.float())


def _words_read(
    batch: PretrainBatch, small: SmallCorpus, *, row: int, unit: int, study_id: str
) -> list[str]:
    """Return the words of a report that a unit of a batch reads, and check the weights."""
    tokens = small.tokens.filter(pl.col("study_id") == study_id).row(0, named=True)
    weights = batch.unit_words_BUW[row, unit]
    words = weights.nonzero()[:, 0].tolist()
    assert weights[words].tolist() == pytest.approx([1 / len(words)] * len(words))
    report = small.reports[study_id]
    return [
        report[tokens["word_starts"][word] : tokens["word_ends"][word]]
        for word in words
    ]


def _sentence_of(small: SmallCorpus, study_id: str, unit: int) -> list[str]:
    """Return the words of the report's sentence that the unit is made of."""
    sentences = small.sentences.filter(pl.col("study_id") == study_id)
    text: str = sentences.sort("start")["text"][unit]
    return WORD.findall(text)


def test_each_unit_of_a_batch_reads_the_words_of_its_sentence(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache
) -> None:
    _, batch = _batch(tables, small, cache, [5, 2])

    for row, study_id in enumerate(["study-005", "study-002"]):
        for unit in range(4):
            found = _words_read(batch, small, row=row, unit=unit, study_id=study_id)
            assert found == _sentence_of(small, study_id, unit)


def test_a_unit_keeps_its_words_where_the_one_before_is_outside_of_the_crop(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache
) -> None:
    corpus = _corpora(tables, small, cache).train
    # Of the cached 32 pixels the left 16 are cut off: with them units 0 and 3.
    crop = replace(centre_crop(SIZE, 16), left=16, top=8)

    batch = make_batch(corpus, [5], cache=cache, crops=[crop])

    assert batch.is_unit_BU.tolist() == [[True, True]]
    for slot, unit in enumerate((1, 2)):
        found = _words_read(batch, small, row=0, unit=slot, study_id="study-005")
        assert found == _sentence_of(small, "study-005", unit)


def test_a_batch_has_the_report_of_the_images_study_and_the_images_own_tags(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache
) -> None:
    corpus = _corpora(tables, small, cache, unmentioned_tags="ignore").train
    # As where images and studies are not one to one: image 5 is of study 10.
    turned = replace(corpus, study_N=corpus.study_N[::-1].copy())
    rng = np.random.default_rng(0)
    turned.tag_NF[:] = rng.random(corpus.tag_NF.shape)
    turned.is_tag_NF[:] = rng.random(corpus.tag_NF.shape) < 0.5

    batch = make_batch(turned, [5, 2], cache=cache, crops=[centre_crop(SIZE, 24)] * 2)

    for row, (position, study) in enumerate(((5, 10), (2, 13))):
        tokens = small.tokens.filter(pl.col("study_id") == f"study-{study:03d}")
        pieces = batch.piece_BT[row][batch.is_piece_BT[row]].tolist()
        assert pieces[1:-1] == tokens["piece_ids"][0].to_list()
        assert batch.tag_BF[row].tolist() == turned.tag_NF[position].tolist()
        assert batch.is_tag_BF[row].tolist() == turned.is_tag_NF[position].tolist()


def test_boxes_of_a_batch_are_where_their_shape_is(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache
) -> None:
    corpus, batch = _batch(tables, small, cache, list(range(16)))
    column = finding_index("cardiomegaly")

    # By hand: 64 x 48 -> 32 x 24 with 4 rows of padding, then a crop from (4, 4).
    torch.testing.assert_close(
        batch.boxes_BU4[0, 2],
        torch.tensor([20, 24, 44, 44]) / 2 - 4 + torch.tensor([0, 4, 0, 4]),
    )
    means = []
    for row in range(16):
        x0, y0, x1, y1 = (int(corner) for corner in batch.boxes_BU4[row, 2])
        mean = batch.image_BSS[row, y0 + 1 : y1 - 1, x0 + 1 : x1 - 1].float().mean()
        means.append((float(mean), bool(corpus.tag_NF[row, column])))
    assert min(m for m, is_there in means if is_there) > 200
    assert max(m for m, is_there in means if not is_there) < 200
    assert FRAME.width == 2 * SIZE


def test_a_unit_outside_of_the_crop_is_left_out_of_the_batch(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache
) -> None:
    corpus = _corpora(tables, small, cache).train
    corner = replace(centre_crop(SIZE, 12), left=0, top=0)

    batch = make_batch(corpus, [0, 1], cache=cache, crops=[corner, centre_crop(12, 12)])

    assert batch.is_unit_BU.tolist() == [[True, False, False, False], [True] * 4]
    assert batch.boxes_BU4[0, 0].tolist() == [2, 6, 12, 12]
    assert not batch.unit_words_BUW[0, 1:].any()


def test_images_without_units_and_with_sixty_are_fine(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache
) -> None:
    unit = small.alignments.row(0, named=True)
    sixty = [unit | {"unit_index": index} for index in range(60)]

    corpus, batch = _batch(
        replace(tables, alignments=ALIGNMENTS.frame(sixty)), small, cache, [0, 1]
    )
    _, without = _batch(
        replace(tables, alignments=ALIGNMENTS.frame([])), small, cache, [0, 1]
    )

    assert batch.is_unit_BU.sum(dim=1).tolist() == [60, 0]
    assert corpus.num_units == 60
    assert without.is_unit_BU.tolist() == [[False], [False]]


def test_no_images_are_no_batch(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache
) -> None:
    with pytest.raises(ValueError, match="expected at least one image"):
        _batch(tables, small, cache, [])


def test_an_empty_corpus_is_made_without_complaint(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache
) -> None:
    corpora = _corpora(replace(tables, images=small.images.clear()), small, cache)

    assert (len(corpora.train), corpora.train.num_units) == (0, 0)


def test_the_digest_sees_a_moved_box(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache
) -> None:
    corpus = _corpora(tables, small, cache).train
    moved = corpus.boxes_model_U4.copy()
    moved[3, 0] += 1

    assert _corpora(tables, small, cache).train.digest() == corpus.digest()
    assert replace(corpus, boxes_model_U4=moved).digest() != corpus.digest()


def _dataset(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache, *, seed: int | None = 1
) -> PretrainDataset:
    return PretrainDataset(
        _corpora(tables, small, cache).train,
        cache=cache,
        crop=CropDraw(resize=SIZE, size=20, log_scale=0.1, brightness=0.1),
        seed=seed,
    )


def test_the_digest_sees_every_part(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache
) -> None:
    corpus = _corpora(tables, small, cache).train
    special = replace(corpus.special, end=corpus.special.end + 1)
    changed: dict[str, Any] = {"split": "other", "size": 1, "special": special}
    for field in fields(corpus):
        value = getattr(corpus, field.name)
        if isinstance(value, np.ndarray):
            changed[field.name] = value.copy()
            changed[field.name].flat[-1] = not value.flat[-1]
        elif isinstance(value, tuple):
            changed[field.name] = (*value[:-1], "other")

    digests = {
        name: replace(corpus, **{name: value}).digest()
        for name, value in changed.items()
    }

    assert digests.keys() == {field.name for field in fields(corpus)}
    assert len({corpus.digest(), *digests.values()}) == 1 + len(digests)


def test_a_sample_depends_on_the_seed_the_epoch_and_its_place_only(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache
) -> None:
    dataset = _dataset(tables, small, cache)

    alone = dataset[[Visit(2, 7)]]
    among = dataset[[Visit(2, 3), Visit(2, 7)]]
    later = dataset[[Visit(3, 7)]]
    other = _dataset(tables, small, cache, seed=2)[[Visit(2, 7)]]
    centred = _dataset(tables, small, cache, seed=None)

    assert torch.equal(alone.image_BSS[0], among.image_BSS[1])
    assert not torch.equal(alone.image_BSS, later.image_BSS)
    assert not torch.equal(alone.image_BSS, other.image_BSS)
    assert torch.equal(
        centred[[Visit(0, 7)]].image_BSS, centred[[Visit(5, 7)]].image_BSS
    )
    assert len(dataset) == 16


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_stream_gives_the_batches_in_order(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache, workers: int
) -> None:
    dataset = _dataset(tables, small, cache)
    draws = [[Visit(0, position), Visit(0, position + 1)] for position in range(9)]

    with BatchStream(dataset, draws, workers=workers) as stream:
        batches = list(stream)

    assert len(batches) == 9
    for batch, wanted in zip(batches, draws, strict=True):
        assert torch.equal(batch.image_BSS, dataset[wanted].image_BSS)
    assert stream.wait_seconds > 0


def test_an_error_in_the_stream_reaches_its_user(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache
) -> None:
    dataset = _dataset(tables, small, cache)

    with (
        BatchStream(dataset, [[Visit(0, 1)], [Visit(0, 99)]], workers=0) as stream,
        pytest.raises(IndexError),
    ):
        list(stream)


def test_a_stream_can_be_left_early(
    tables: CorpusTables, small: SmallCorpus, cache: PixelCache
) -> None:
    dataset = _dataset(tables, small, cache)

    with BatchStream(dataset, [[Visit(0, 1)]] * 50, workers=0) as stream:
        next(stream)

    assert list(stream) == []


def test_the_digest_of_pixels_sees_another_order_and_takes_a_sample(
    cache: PixelCache,
) -> None:
    ids = cache.image_ids[:4]

    assert digest_pixels(cache, ids) == digest_pixels(cache, ids)
    assert digest_pixels(cache, ids) != digest_pixels(cache, ids[::-1])
    # 100 images are every second of them; the other half is not read.
    assert digest_pixels(cache, [ids[0], "absent"] * 50) == digest_pixels(
        cache, [ids[0]] * 50
    )
