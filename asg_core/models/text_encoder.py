"""A text encoder of transformers: word pieces -> hidden states."""

# Shape suffixes: B = reports, T = word pieces, E = width of hidden states

import copy
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from asg_core.models.config import ScratchTextConfig, TextEncoderConfig
from asg_core.models.pretrained.folders import check_vocabulary_size
from asg_core.models.pretrained.weights import count_names

if TYPE_CHECKING:
    from transformers import BertConfig, PretrainedConfig

logger = logging.getLogger(__name__)

TextNetwork = Any
"""A `PreTrainedModel` of transformers: its attributes differ by architecture."""

_WHERE = "model.text_encoder"
_POOLER = "pooler."
"""A classifier's layer over [CLS], which is never used here."""

_DROPOUTS = (
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "dropout",
    "attention_dropout",
)
_NOT_ARCHITECTURE = (
    "_name_or_path",
    "architectures",
    "dtype",
    "id2label",
    "label2id",
    "torch_dtype",
    "transformers_version",
)


class TextEncoder(nn.Module):
    """A network of transformers that reads reports; see `read_text_network`.

    It takes what `AutoModel` builds (BERT, RoBERTa, DistilBERT, ELECTRA, ...) if every
    piece sees every other. Encoders with a decoder (T5, BART) and those that read from
    left to right (GPT) are refused: their first piece has seen nothing.
    """

    def __init__(
        self,
        network: TextNetwork,
        *,
        config: TextEncoderConfig,
    ) -> None:
        super().__init__()
        # The classifier's layer over [CLS] is never used here.
        if getattr(network, "pooler", None) is not None:
            network.pooler = None
        self.network = network
        self.width = int(network.config.hidden_size)
        self.max_pieces = config.max_pieces
        self.chunks = config.chunks
        self._check()

    def forward(self, piece_BT: Tensor, is_piece_BT: Tensor) -> Tensor:
        """Return the hidden states (B, T, E), zero in the padding.

        Reports are sorted by length and read in `chunks` parts, each padded to its own
        longest: the same result, dropout aside, with less padding.

        Args:
            piece_BT: int64 ids; each report starts with [CLS], and padding comes last.
            is_piece_BT: bool; False is padding.

        Raises:
            ValueError: If there are more pieces than `max_pieces`.
        """
        num_pieces = piece_BT.shape[1]
        if num_pieces > self.max_pieces:
            raise ValueError(
                f"TextEncoder: expected at most {self.max_pieces} word pieces, found "
                f"{num_pieces}; cut texts to {_WHERE}.max_pieces"
            )
        length_B = is_piece_BT.sum(1)
        order_B = length_B.argsort(descending=True, stable=True)
        parts = order_B.chunk(self.chunks)
        # One wait for the device, however many parts.
        longest_parts = length_B[torch.stack([part[0] for part in parts])].tolist()
        hidden_parts = [
            self._encode(
                piece_BT[part, :longest], is_piece_BT[part, :longest], num_pieces
            )
            for part, longest in zip(parts, longest_parts, strict=True)
        ]
        return torch.cat(hidden_parts)[order_B.argsort()]

    def positions(self, piece_BT: Tensor) -> dict[str, Tensor]:
        """Return what the network is told of positions: nothing, it counts by itself."""
        del piece_BT
        return {}

    def plain_network(self) -> TextNetwork:
        """Return a copy of the network that reads in the same way by itself."""
        return copy.deepcopy(self.network)

    def _encode(self, piece_BT: Tensor, is_piece_BT: Tensor, num_pieces: int) -> Tensor:
        padding = self.network.config.pad_token_id
        if padding is not None:
            piece_BT = piece_BT.masked_fill(~is_piece_BT, padding)
        encoded = self.network(
            input_ids=piece_BT,
            attention_mask=is_piece_BT.long(),
            **self.positions(piece_BT),
        )
        hidden_BTE = encoded.last_hidden_state.masked_fill(~is_piece_BT[..., None], 0)
        return functional.pad(hidden_BTE, (0, 0, 0, num_pieces - piece_BT.shape[1]))

    def _check(self) -> None:
        """Refuse a network whose first piece does not see the others, or that ends early."""
        kind = self.network.config.model_type
        most = _most_pieces(self.network)
        if most is not None and self.max_pieces > most:
            raise ValueError(
                f"{_WHERE}.max_pieces: expected at most the {most} positions that the "
                f"encoder has, found {self.max_pieces}"
            )
        was_training = self.network.training
        self.network.eval()
        with torch.no_grad():
            encoded = self.network(
                input_ids=torch.tensor([[2, 3], [2, 4]]),
                attention_mask=torch.ones(2, 2, dtype=torch.long),
            )
        self.network.train(was_training)
        if torch.equal(*encoded.last_hidden_state[:, 0].unbind(0)):
            raise ValueError(
                f"{_WHERE}.name: expected an encoder whose first piece sees all others, "
                f"as in BERT, found one of type '{kind}' that reads from left to right"
            )


def read_text_network(
    config: TextEncoderConfig, *, vocabulary_size: int
) -> TextNetwork:
    """Return the network of transformers with all of its layers.

    Raises:
        ValueError: If there is no such encoder, or if it does not fit the vocabulary.
    """
    from transformers import AutoConfig, AutoModel  # noqa: PLC0415 - takes seconds, and grey values as features need none

    if config.name is None:
        architecture = _scratch_architecture(
            config.scratch,
            max_pieces=config.max_pieces,
            vocabulary_size=vocabulary_size,
        )
        _set_dropout(architecture, config.dropout)
        return _random_network(architecture)
    try:
        architecture = AutoConfig.from_pretrained(config.name)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{_WHERE}.name: expected the folder of an encoder, or its name on the model "
            f"hub, reachable or in its cache, found '{config.name}': {error}"
        ) from error
    if architecture.is_encoder_decoder:
        raise ValueError(
            f"{_WHERE}.name: expected an encoder such as BERT, found '{config.name}' of "
            f"type '{architecture.model_type}', which has a decoder"
        )
    if vocabulary_size > architecture.vocab_size:
        raise ValueError(
            f"{_WHERE}.name: '{config.name}' has {architecture.vocab_size} word pieces, "
            f"and the tokenizer {vocabulary_size}; use the tokenizer that belongs to it"
        )
    check_vocabulary_size(
        vocabulary_size,
        of_encoder=architecture.vocab_size,
        name=config.name,
        where=_WHERE,
    )
    _set_dropout(architecture, config.dropout)
    try:
        network, found = AutoModel.from_pretrained(
            config.name, config=architecture, output_loading_info=True
        )
    except (OSError, RuntimeError) as error:
        raise ValueError(
            f"{_WHERE}.name: '{config.name}' has a configuration but no weights that can "
            f"be read: {error}"
        ) from error
    missing = [key for key in found["missing_keys"] if not key.startswith(_POOLER)]
    if missing:
        raise ValueError(
            f"{_WHERE}.name: the weights of '{config.name}' lack {len(missing)} tensors, "
            f"such as '{sorted(missing)[0]}'"
        )
    _log_surplus(found["unexpected_keys"], name=config.name)
    return network.float()


def _log_surplus(names: Iterable[str], *, name: str) -> None:
    """Say what of a file of weights has no place in the encoder."""
    surplus = sorted(key for key in names if not key.startswith(_POOLER))
    if surplus:
        logger.warning(
            "text encoder %s: %d tensors of its weights have no place in it: %s",
            name,
            len(surplus),
            count_names(surplus),
        )


def cut_text_network(network: TextNetwork, *, num_layers: int | None) -> TextNetwork:
    """Return a copy with the first `num_layers` layers; None keeps all.

    Raises:
        ValueError: If there are fewer layers.
    """
    if num_layers is None:
        return copy.deepcopy(network)
    depth = network.config.num_hidden_layers
    if num_layers > depth:
        raise ValueError(
            f"{_WHERE}.num_layers: expected at most the {depth} layers of the encoder, "
            f"found {num_layers}"
        )
    architecture = copy.deepcopy(network.config)
    architecture.num_hidden_layers = num_layers
    cut = _random_network(architecture)
    found = cut.load_state_dict(network.state_dict(), strict=False)
    missing = [key for key in found.missing_keys if not key.startswith(_POOLER)]
    if missing:
        raise ValueError(
            f"{_WHERE}.num_layers: an encoder of {num_layers} layers has {len(missing)} "
            f"tensors that the whole one has not, such as '{missing[0]}'; set it to null"
        )
    return cut


def text_architecture(network: TextNetwork) -> dict[str, Any]:
    """Return what `text_network_of` needs to build the same network: plain values."""
    whole = network.config.to_dict()
    return {key: whole[key] for key in sorted(whole) if key not in _NOT_ARCHITECTURE}


def text_network_of(architecture: dict[str, Any]) -> TextNetwork:
    """Build a network with random weights from what `text_architecture` returned."""
    from transformers import AutoConfig  # noqa: PLC0415 - takes seconds, and grey values as features need none

    others = dict(architecture)
    config = AutoConfig.for_model(others.pop("model_type"), **others)
    return _random_network(config)


def _scratch_architecture(
    scratch: ScratchTextConfig, *, max_pieces: int, vocabulary_size: int
) -> "BertConfig":
    from transformers import BertConfig  # noqa: PLC0415 - takes seconds, and grey values as features need none

    return BertConfig(
        vocab_size=vocabulary_size,
        hidden_size=scratch.width,
        num_hidden_layers=scratch.layers,
        num_attention_heads=scratch.heads,
        intermediate_size=4 * scratch.width,
        max_position_embeddings=max_pieces,
    )


def _random_network(architecture: "PretrainedConfig") -> TextNetwork:
    from transformers import AutoModel  # noqa: PLC0415 - takes seconds, and grey values as features need none

    return AutoModel.from_config(architecture).float()  # type: ignore[no-untyped-call] # transformers leaves it so


def _set_dropout(architecture: "PretrainedConfig", dropout: float | None) -> None:
    if dropout is None:
        return
    names = [name for name in _DROPOUTS if hasattr(architecture, name)]
    if not names:
        raise ValueError(
            f"{_WHERE}.dropout: an encoder of type '{architecture.model_type}' has no "
            f"such setting, found {dropout}; set it to null"
        )
    for name in names:
        setattr(architecture, name, dropout)


def _most_pieces(network: TextNetwork) -> int | None:
    most = getattr(network.config, "max_position_embeddings", None)
    # RoBERTa counts positions from the id of its padding on.
    skipped = getattr(getattr(network, "embeddings", None), "padding_idx", None)
    if most is None or skipped is None:
        return most
    return int(most - skipped - 1)
