import dataclasses
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from asg_core.losses.image_report import image_report_loss
from asg_core.losses.region_sentence import region_sentence_loss
from asg_core.losses.soft_labels import soft_label_loss
from asg_core.losses.tags import tag_loss
from asg_core.models.asg import AsgOutput
from asg_core.models.batch import PretrainBatch
from support.small_models import (
    NUM_TAGS,
    changed_config,
    regions_by_torchvision,
    save_bert,
    small_batch,
    small_model,
)


def _total(output: AsgOutput, batch: PretrainBatch) -> Tensor:
    """Return the sum of all four losses."""
    assert output.region_BUD is not None
    assert output.sentence_BUD is not None
    assert output.tag_logit_BF is not None
    pair = (output.image_BD, output.report_BD)
    return (
        image_report_loss(*pair, temperature=0.07)
        + region_sentence_loss(
            output.region_BUD, output.sentence_BUD, output.is_unit_BU, temperature=0.07
        )
        + 5 * tag_loss(output.tag_logit_BF, batch.tag_BF, is_tag_BF=batch.is_tag_BF)
        + soft_label_loss(*pair, batch.tag_BF, temperature=0.07, hard_weight=0.8)
    )


@pytest.mark.parametrize("is_cast", [False, True])
def test_every_weight_gets_a_gradient_of_the_four_losses(*, is_cast: bool) -> None:
    model, batch = small_model(), small_batch()

    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=is_cast):
        output = model(batch)
    _total(output, batch).backward()

    assert output.tag_logit_BF.shape == (4, NUM_TAGS)
    assert output.region_BUD.shape == output.sentence_BUD.shape == (4, 3, 8)
    for field in dataclasses.fields(output):
        value = getattr(output, field.name)
        assert value.dtype in (torch.float32, torch.bool), field.name
    learned = {name for name, w in model.named_parameters() if w.requires_grad}
    with_gradient = {name for name, w in model.named_parameters() if w.grad is not None}
    assert learned == with_gradient
    for name, weight in model.named_parameters():
        assert weight.grad is None or weight.grad.isfinite().all(), name


def test_embeddings_have_unit_length_and_unit_vectors_have_not() -> None:
    output = small_model()(small_batch())

    for embedding_BD in (output.image_BD, output.report_BD):
        torch.testing.assert_close(embedding_BD.norm(dim=-1), torch.ones(4))
    assert (output.region_BUD[output.is_unit_BU].norm(dim=-1) < 0.999).any()
    assert (output.region_BUD[~output.is_unit_BU] == 0).all()
    assert (output.sentence_BUD[~output.is_unit_BU] == 0).all()


def test_units_are_scaled_where_the_configuration_says_so() -> None:
    output = small_model(changed_config(heads={"normalise_units": True}))(small_batch())

    for unit_BUD in (output.region_BUD, output.sentence_BUD):
        length_BU = unit_BUD.norm(dim=-1)
        torch.testing.assert_close(length_BU, output.is_unit_BU.float())


@pytest.mark.parametrize("legacy", [False, True])
def test_a_region_is_what_roi_align_reads_from_the_normalised_map(
    *, legacy: bool
) -> None:
    model = small_model(changed_config(legacy={"unaligned_regions": legacy})).eval()
    batch = small_batch()

    output = model(batch)

    expected = regions_by_torchvision(
        model, batch, maps=[0, 1, 2, 3], aligned=not legacy
    )
    torch.testing.assert_close(
        output.region_BUD[batch.is_unit_BU], expected[batch.is_unit_BU]
    )


def test_a_sentence_is_the_mean_of_its_normalised_words() -> None:
    model = small_model().eval()
    batch = small_batch(num_words=(4, 9), num_units=(2, 1))
    unit_words_BUW = torch.zeros_like(batch.unit_words_BUW)
    unit_words_BUW[0, 0, [0, 2]] = 1 / 2
    unit_words_BUW[0, 1, [1]] = 1
    unit_words_BUW[1, 0, [0, 7, 8]] = 1 / 3
    # Pieces 1 and 2 of the first report are one word; so its last slot is empty.
    word_of_piece_BT = batch.word_of_piece_BT.clone()
    word_of_piece_BT[0] = torch.tensor([0, 1, 1, 2, 3, 0, 0, 0, 0, 0])
    is_word_BW = batch.is_word_BW.clone()
    is_word_BW[0, 3] = False
    batch = dataclasses.replace(
        batch,
        unit_words_BUW=unit_words_BUW,
        word_of_piece_BT=word_of_piece_BT,
        is_word_BW=is_word_BW,
    )

    output = model(batch)

    hidden_BTE = model.text_encoder(batch.piece_BT, batch.is_piece_BT)
    words = [
        [hidden_BTE[0, 1] + hidden_BTE[0, 2], hidden_BTE[0, 3], hidden_BTE[0, 4]],
        list(hidden_BTE[1, 1:]),
    ]
    vectors = [
        F.normalize(model.word_head(torch.stack(report)), dim=-1) for report in words
    ]
    torch.testing.assert_close(output.sentence_BUD[0, 0], vectors[0][[0, 2]].mean(0))
    torch.testing.assert_close(output.sentence_BUD[0, 1], vectors[0][1])
    torch.testing.assert_close(output.sentence_BUD[1, 0], vectors[1][[0, 7, 8]].mean(0))


def _padded(batch: PretrainBatch, extra: int) -> PretrainBatch:
    """Return the batch with more padding of pieces, words and units."""
    return dataclasses.replace(
        batch,
        piece_BT=F.pad(batch.piece_BT, (0, extra), value=7),
        is_piece_BT=F.pad(batch.is_piece_BT, (0, extra)),
        word_of_piece_BT=F.pad(batch.word_of_piece_BT, (0, extra), value=1),
        is_word_BW=F.pad(batch.is_word_BW, (0, extra)),
        unit_words_BUW=F.pad(batch.unit_words_BUW, (0, extra, 0, extra)),
        boxes_BU4=F.pad(batch.boxes_BU4, (0, 0, 0, extra), value=torch.nan),
        is_unit_BU=F.pad(batch.is_unit_BU, (0, extra)),
    )


@pytest.mark.parametrize("is_padded_legacy", [False, True])
def test_more_padding_changes_nothing(*, is_padded_legacy: bool) -> None:
    config = changed_config(
        text_encoder={"dropout": 0.0},
        tag_decoder={"dropout": 0.0},
        legacy={"padded_batch_norm": is_padded_legacy},
    )
    batch = small_batch()

    plain = small_model(config)(batch)
    padded = small_model(config)(_padded(batch, 2))

    num_units = batch.is_unit_BU.shape[1]
    torch.testing.assert_close(padded.report_BD, plain.report_BD, rtol=0, atol=1e-5)
    torch.testing.assert_close(
        padded.sentence_BUD[:, :num_units], plain.sentence_BUD, rtol=0, atol=1e-4
    )
    torch.testing.assert_close(
        padded.region_BUD[:, :num_units], plain.region_BUD, rtol=0, atol=1e-5
    )
    assert (padded.region_BUD[:, num_units:] == 0).all()


def test_what_padding_holds_plays_no_part_in_the_gradients() -> None:
    model, batch = small_model(), _padded(small_batch(), 2)
    assert batch.boxes_BU4.isnan().any()

    _total(model(batch), batch).backward()

    for name, weight in model.named_parameters():
        assert weight.grad is None or weight.grad.isfinite().all(), name


@pytest.mark.parametrize("queries", ["frozen", "trained"])
def test_tags_are_asked_with_features_of_their_names(queries: str) -> None:
    model = small_model(changed_config(tag_decoder={"queries": queries})).eval()
    batch = small_batch()

    queries_FE = model.text_queries(model.piece_FT, model.is_piece_FT)

    logit_BF = model.tag_logits(batch.image_BSS, queries_FE)
    torch.testing.assert_close(model(batch).tag_logit_BF, logit_BF)
    torch.testing.assert_close(model.tag_logits(batch.image_BSS), logit_BF)
    assert queries_FE.requires_grad == (queries == "trained")
    assert ("query_FE" in model.state_dict()) == (queries == "frozen")


def test_frozen_queries_are_those_of_the_whole_encoder_before_training(
    tmp_path: Path,
) -> None:
    bert = save_bert(tmp_path, max_position_embeddings=16)
    config = changed_config(
        text_encoder={"name": str(tmp_path), "num_layers": 1},
        legacy={"drop_positions": True},
    )
    model = small_model(config)

    assert model.query_FE is not None
    for tag in range(NUM_TAGS):
        piece_1T = model.piece_FT[tag, None, : int(model.is_piece_FT[tag].sum())]
        expected_E = bert(input_ids=piece_1T).last_hidden_state[0, 0]
        torch.testing.assert_close(model.query_FE[tag], expected_E, rtol=0, atol=1e-5)
    assert model.text_encoder.network.config.num_hidden_layers == 1


def test_the_query_encoder_is_never_trained() -> None:
    model, batch = small_model(), small_batch()
    before = model.text_queries(model.piece_FT, model.is_piece_FT)
    optimizer = torch.optim.AdamW(
        [weight for weight in model.parameters() if weight.requires_grad], lr=0.1
    )

    _total(model.train()(batch), batch).backward()
    optimizer.step()

    assert torch.equal(model.text_queries(model.piece_FT, model.is_piece_FT), before)
    assert model.query_FE is not None
    assert torch.equal(model.query_FE, before)


def test_from_scratch_the_queries_are_those_of_the_trained_encoder_at_its_start() -> (
    None
):
    model = small_model().eval()

    trained_FTE = model.text_encoder(model.piece_FT, model.is_piece_FT)

    torch.testing.assert_close(model.query_FE, trained_FTE[:, 0])


def test_images_and_texts_are_embedded_as_in_training() -> None:
    model, batch = small_model().eval(), small_batch()

    output = model(batch)

    torch.testing.assert_close(model.image_embedding(batch.image_BSS), output.image_BD)
    torch.testing.assert_close(
        model.text_embedding(batch.piece_BT, batch.is_piece_BT), output.report_BD
    )


def test_parts_that_no_loss_asks_for_are_not_run() -> None:
    model, batch = small_model(), small_batch()
    ran: list[str] = []
    for name in ("patch_head", "word_head", "tag_decoder", "image_head", "report_head"):
        model.get_submodule(name).register_forward_hook(
            lambda *_, name=name: ran.append(name)
        )

    output = model(batch, with_units=False, with_tags=False)

    assert sorted(ran) == ["image_head", "report_head"]
    assert output.region_BUD is output.sentence_BUD is output.tag_logit_BF is None


@pytest.mark.parametrize("num_units", [(0, 0), (0,)])
def test_a_batch_without_units_gives_finite_losses(num_units: tuple[int, ...]) -> None:
    model = small_model()
    batch = small_batch(num_words=(3, 5)[: len(num_units)], num_units=num_units)

    loss = _total(model(batch), batch)

    loss.backward()
    assert loss.isfinite()
    assert model.patch_head.hidden.weight.grad is not None
    assert (model.patch_head.hidden.weight.grad == 0).all()


def test_a_batch_of_one_image_can_be_trained_on() -> None:
    model = small_model()
    batch = small_batch(num_words=(3,), num_units=(2,))

    loss = _total(model(batch), batch)

    loss.backward()
    assert loss.isfinite()
    for name, weight in model.named_parameters():
        assert weight.grad is None or weight.grad.isfinite().all(), name


@pytest.mark.gpu
def test_a_gpu_gives_what_the_cpu_gives() -> None:
    model, batch = small_model().eval(), small_batch()
    device = torch.device("cuda")

    on_cpu = model(batch)
    on_gpu = model.to(device)(batch.to(device))

    for name in ("image_BD", "report_BD", "region_BUD", "sentence_BUD", "tag_logit_BF"):
        torch.testing.assert_close(
            getattr(on_gpu, name).cpu(), getattr(on_cpu, name), rtol=0, atol=1e-3
        )
