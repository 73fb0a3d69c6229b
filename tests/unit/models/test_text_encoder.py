from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import (
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    GPT2Config,
    GPT2Model,
    RobertaConfig,
    RobertaModel,
    T5Config,
    T5Model,
)

from asg_core.models.config import TextEncoderConfig
from asg_core.models.text_encoder import (
    TextEncoder,
    cut_text_network,
    read_text_network,
    text_architecture,
    text_network_of,
)
from support.small_models import TEXT, VOCABULARY_SIZE, save_bert

LENGTHS = (12, 3, 7, 1, 7)


def _config(folder: Path | None = None, **changes: object) -> TextEncoderConfig:
    name = None if folder is None else str(folder)
    return TEXT.model_copy(update={"name": name, **changes})


def _build(config: TextEncoderConfig) -> TextEncoder:
    torch.manual_seed(0)
    whole = read_text_network(config, vocabulary_size=VOCABULARY_SIZE)
    network = cut_text_network(whole, num_layers=config.num_layers)
    return TextEncoder(network, config=config).eval()


def _pieces() -> tuple[Tensor, Tensor]:
    is_piece_BT = torch.arange(12) < torch.tensor(LENGTHS)[:, None]
    return torch.randint(5, VOCABULARY_SIZE, (len(LENGTHS), 12)), is_piece_BT


@pytest.mark.parametrize("chunks", [1, 2, 4, 72])
def test_chunks_give_what_one_report_after_the_other_gives(chunks: int) -> None:
    encoder = _build(_config(chunks=chunks))
    piece_BT, is_piece_BT = _pieces()

    hidden_BTE = encoder(piece_BT, is_piece_BT)

    for report, length in enumerate(LENGTHS):
        alone = encoder.network(input_ids=piece_BT[report, None, :length])
        torch.testing.assert_close(
            hidden_BTE[report, :length], alone.last_hidden_state[0], rtol=0, atol=1e-5
        )
        assert (hidden_BTE[report, length:] == 0).all()


def test_what_padding_holds_plays_no_part() -> None:
    encoder = _build(_config())
    piece_BT, is_piece_BT = _pieces()

    hidden_BTE = encoder(piece_BT, is_piece_BT)

    other_BT = piece_BT.masked_fill(~is_piece_BT, 0)
    assert torch.equal(encoder(other_BT, is_piece_BT), hidden_BTE)


def test_from_scratch_is_a_bert_of_the_given_size() -> None:
    encoder = _build(_config())

    assert isinstance(encoder.network, BertModel)
    assert encoder.network.config.vocab_size == VOCABULARY_SIZE
    assert encoder.network.config.max_position_embeddings >= TEXT.max_pieces
    assert encoder.network.config._attn_implementation == "sdpa"
    assert encoder.width == 16


@pytest.mark.parametrize("num_layers", [None, 2])
def test_a_folder_gives_its_weights_cut_to_the_first_layers(
    tmp_path: Path, num_layers: int | None
) -> None:
    published = save_bert(tmp_path)
    piece_BT, _ = _pieces()

    encoder = _build(_config(tmp_path, num_layers=num_layers))

    states = published(input_ids=piece_BT, output_hidden_states=True).hidden_states
    torch.testing.assert_close(
        encoder(piece_BT, torch.ones_like(piece_BT).bool()), states[num_layers or -1]
    )


@pytest.mark.parametrize("family", ["roberta", "distilbert"])
def test_other_encoders_than_bert_work(tmp_path: Path, family: str) -> None:
    published: Any
    torch.manual_seed(1)
    if family == "roberta":
        published = RobertaModel(
            RobertaConfig(
                vocab_size=VOCABULARY_SIZE,
                hidden_size=16,
                num_hidden_layers=3,
                num_attention_heads=2,
                intermediate_size=32,
                max_position_embeddings=14,
            )
        )
    else:
        published = DistilBertModel(
            DistilBertConfig(
                vocab_size=VOCABULARY_SIZE,
                dim=16,
                n_layers=3,
                n_heads=2,
                hidden_dim=32,
                max_position_embeddings=12,
            )
        )
    published.eval().save_pretrained(tmp_path)
    piece_BT, is_piece_BT = _pieces()

    encoder = _build(_config(tmp_path, num_layers=2, dropout=0.0))

    for report, length in enumerate(LENGTHS):
        states = published(
            input_ids=piece_BT[report, None, :length], output_hidden_states=True
        ).hidden_states
        torch.testing.assert_close(
            encoder(piece_BT, is_piece_BT)[report, :length],
            states[2][0],
            rtol=0,
            atol=1e-5,
        )
    with pytest.raises(ValueError, match="12 positions that the encoder has, found 13"):
        _build(_config(tmp_path, max_pieces=13))


def test_dropout_follows_the_configuration(tmp_path: Path) -> None:
    save_bert(tmp_path, hidden_dropout_prob=0.3)
    piece_BT, is_piece_BT = _pieces()

    own = _build(_config(tmp_path)).train()
    without = _build(_config(tmp_path, dropout=0.0)).train()

    assert own.network.config.hidden_dropout_prob == 0.3
    assert not torch.equal(own(piece_BT, is_piece_BT), own(piece_BT, is_piece_BT))
    torch.testing.assert_close(
        without(piece_BT, is_piece_BT), without(piece_BT, is_piece_BT)
    )


def test_the_architecture_survives_as_plain_values(tmp_path: Path) -> None:
    save_bert(tmp_path)
    encoder = _build(_config(tmp_path, num_layers=2, dropout=0.2))

    network = text_network_of(text_architecture(encoder.network))

    network.load_state_dict(encoder.network.state_dict(), strict=False)
    piece_BT, is_piece_BT = _pieces()
    rebuilt = TextEncoder(network, config=_config(tmp_path)).eval()
    assert torch.equal(rebuilt(piece_BT, is_piece_BT), encoder(piece_BT, is_piece_BT))
    assert network.config.hidden_dropout_prob == 0.2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_layers": 4}, "at most the 3 layers of the encoder, found 4"),
        ({"max_pieces": 17}, "at most the 16 positions that the encoder has, found 17"),
    ],
)
def test_what_does_not_fit_is_a_sentence(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    save_bert(tmp_path)

    with pytest.raises(ValueError, match=message):
        _build(_config(tmp_path, **changes))


def test_another_tokenizer_is_refused(tmp_path: Path) -> None:
    save_bert(tmp_path, vocab_size=50)

    with pytest.raises(ValueError, match="has 50 word pieces, and the tokenizer 120"):
        _build(_config(tmp_path))


def test_a_much_smaller_vocabulary_is_refused(tmp_path: Path) -> None:
    save_bert(tmp_path, vocab_size=VOCABULARY_SIZE * 2)

    with pytest.raises(ValueError, match=r"tokenizer of 120 pieces .* 240, .* \[UNK\]"):
        _build(_config(tmp_path))


def test_tensors_without_a_place_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_bert(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(
        path.read_text().replace('"num_hidden_layers": 3', '"num_hidden_layers": 2')
    )

    _build(_config(tmp_path))

    assert "16 tensors of its weights have no place in it: 'encoder.layer.2." in (
        caplog.text
    )


def test_an_empty_file_of_weights_is_refused(tmp_path: Path) -> None:
    save_bert(tmp_path)
    save_file({}, tmp_path / "model.safetensors", metadata={"format": "pt"})

    with pytest.raises(ValueError, match=r"lack \d+ tensors, such as 'embeddings"):
        _build(_config(tmp_path))


def test_weights_of_another_width_are_a_sentence(tmp_path: Path) -> None:
    save_bert(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(
        path.read_text().replace('"intermediate_size": 32', '"intermediate_size": 48')
    )

    with pytest.raises(ValueError, match="no weights that can be read"):
        _build(_config(tmp_path))


def test_a_folder_without_an_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected the folder of an encoder, or its"):
        _build(_config(tmp_path))


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    save_bert(tmp_path)
    (tmp_path / "model.safetensors").unlink()

    with pytest.raises(ValueError, match="has a configuration but no weights"):
        _build(_config(tmp_path))


def test_missing_weights_are_refused(tmp_path: Path) -> None:
    save_bert(tmp_path, num_hidden_layers=2)
    path = tmp_path / "config.json"
    path.write_text(
        path.read_text().replace('"num_hidden_layers": 2', '"num_hidden_layers": 3')
    )

    with pytest.raises(ValueError, match=r"lack 16 tensors, such as 'encoder.layer.2"):
        _build(_config(tmp_path))


def test_encoders_whose_first_piece_is_blind_are_refused(tmp_path: Path) -> None:
    shape: dict[str, Any] = {"vocab_size": VOCABULARY_SIZE}
    GPT2Model(GPT2Config(**shape, n_embd=16, n_layer=1, n_head=2)).save_pretrained(
        tmp_path / "gpt2"
    )
    T5Model(
        T5Config(**shape, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    ).save_pretrained(tmp_path / "t5")

    with pytest.raises(ValueError, match="'gpt2' that reads from left to right"):
        _build(_config(tmp_path / "gpt2"))
    with pytest.raises(ValueError, match="'t5', which has a decoder"):
        _build(_config(tmp_path / "t5"))


def test_too_long_texts_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 12 word pieces, found 13"):
        _build(_config())(torch.ones(1, 13).long(), torch.ones(1, 13).bool())
