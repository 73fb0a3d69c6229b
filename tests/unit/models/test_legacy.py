"""Each switch of the released code's defects, against that code's own way."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import DistilBertConfig, DistilBertModel

from asg_core.models.asg import AsgModel
from asg_core.models.config import LegacyConfig, ModelConfig, TextEncoderConfig
from asg_core.models.legacy import BlindTextEncoder, LegacyAsgModel
from asg_core.models.text_encoder import TextEncoder, read_text_network
from support.small_models import (
    SMALL,
    TEXT,
    VOCABULARY_SIZE,
    regions_by_torchvision,
    small_batch,
    small_model,
)


def _config(**switches: bool) -> ModelConfig:
    return SMALL.model_copy(update={"legacy": LegacyConfig(**switches)})


def _text(folder: Path) -> TextEncoderConfig:
    return TEXT.model_copy(update={"name": str(folder)})


def _read(kind: type[TextEncoder], config: TextEncoderConfig) -> TextEncoder:
    torch.manual_seed(0)
    network = read_text_network(config, vocabulary_size=VOCABULARY_SIZE)
    return kind(network, config=config).eval()


def test_the_model_is_the_plain_one_without_a_switch() -> None:
    assert type(small_model()) is AsgModel
    for switch in LegacyConfig.model_fields:
        assert type(small_model(_config(**{switch: True}))) is LegacyAsgModel


def test_mixed_up_regions_read_the_map_of_the_image_at_their_old_position() -> None:
    # Longest report first: images 2, 0, 3, 1, as in the golden case.
    batch = small_batch(num_words=(7, 3, 9, 5), num_units=(2, 2, 2, 2))
    model = small_model(_config(mix_up_regions=True)).eval()

    output = model(batch)

    expected = regions_by_torchvision(model, batch, maps=[2, 0, 3, 1], aligned=True)
    torch.testing.assert_close(output.region_BUD, expected)
    # The same by the released code's own way: boxes are numbered, then all is sorted.
    order = [2, 0, 3, 1]
    numbered = torch.tensor([0, 1, 2, 3])[order]
    image_of_sorted_map = torch.tensor(order)
    for place, image in enumerate(order):
        assert image_of_sorted_map[numbered[place]] == order[image]


def test_the_legacy_statistics_count_the_padding_up_to_the_most_words() -> None:
    config = _config(padded_batch_norm=True)
    without = config.text_encoder.model_copy(update={"dropout": 0.0})
    config = config.model_copy(update={"text_encoder": without})
    model, batch = small_model(config), small_batch()
    other = small_model(config)
    hidden_BTE = model.text_encoder(batch.piece_BT, batch.is_piece_BT)
    words_BWE = F.pad(hidden_BTE[:, 1:], (0, 0, 0, 11 - 9))

    output = model(batch)

    words_BWD = F.normalize(other.word_head(words_BWE), dim=-1)[:, :9]
    torch.testing.assert_close(output.sentence_BUD, batch.unit_words_BUW @ words_BWD)


def test_without_positions_the_order_of_pieces_is_not_seen() -> None:
    piece_BT, is_piece_BT = torch.randint(5, 100, (2, 9)), torch.ones(2, 9).bool()
    order = torch.randperm(9)

    blind = _read(BlindTextEncoder, TEXT)
    sighted = _read(TextEncoder, TEXT)

    torch.testing.assert_close(
        blind(piece_BT[:, order], is_piece_BT), blind(piece_BT, is_piece_BT)[:, order]
    )
    assert not torch.allclose(
        sighted(piece_BT[:, order], is_piece_BT),
        sighted(piece_BT, is_piece_BT)[:, order],
        atol=1e-3,
    )


def test_without_positions_every_piece_has_the_first_and_no_token_type() -> None:
    encoder = _read(BlindTextEncoder, TEXT)
    embeddings = encoder.network.embeddings
    seen: list[Tensor] = []
    embeddings.LayerNorm.register_forward_pre_hook(
        lambda _, given: seen.append(given[0])
    )
    piece_BT = torch.randint(5, 100, (2, 9))

    encoder(piece_BT, torch.ones(2, 9).bool())  # in two chunks of one report

    expected = (
        embeddings.word_embeddings(piece_BT) + embeddings.position_embeddings.weight[0]
    )
    torch.testing.assert_close(torch.cat(seen), expected)
    assert not embeddings.token_type_embeddings.weight.requires_grad


def test_positions_are_dropped_of_a_bert_only(tmp_path: Path) -> None:
    DistilBertModel(
        DistilBertConfig(vocab_size=VOCABULARY_SIZE, dim=16, n_layers=1, n_heads=2)
    ).save_pretrained(tmp_path)

    with pytest.raises(ValueError, match=r"expected a BERT, found .* 'distilbert'"):
        _read(BlindTextEncoder, _text(tmp_path))
