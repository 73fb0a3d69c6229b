"""From a configuration to a model, with its first weights or for weights of a file."""

# Shape suffixes: F = findings, T = word pieces of their names

from torch import Tensor

from asg_core.models.asg import AsgModel
from asg_core.models.config import ModelConfig
from asg_core.models.image_encoder import ImageEncoder, build_image_encoder
from asg_core.models.legacy import BlindTextEncoder, LegacyAsgModel
from asg_core.models.text_encoder import (
    TextEncoder,
    TextNetwork,
    cut_text_network,
    read_text_network,
)


def build_model(
    config: ModelConfig, *, vocabulary_size: int, piece_FT: Tensor, is_piece_FT: Tensor
) -> AsgModel:
    """Build the model with the weights that its encoders start from.

    The rest is random, drawn from torch's global generator.

    Args:
        config: What to build.
        vocabulary_size: Word pieces of the tokenizer.
        piece_FT: int64 word pieces of the names of the tags, [CLS] first.
        is_piece_FT: bool; False is padding.

    Raises:
        ValueError: If the parts do not fit together.
        FileNotFoundError: If a file of weights is missing.
    """
    image_encoder = build_image_encoder(config.image_encoder)
    whole = read_text_network(config.text_encoder, vocabulary_size=vocabulary_size)
    return assemble(
        config,
        vocabulary_size=vocabulary_size,
        image_encoder=image_encoder,
        text_network=whole,
        piece_FT=piece_FT,
        is_piece_FT=is_piece_FT,
    )


def assemble(
    config: ModelConfig,
    *,
    vocabulary_size: int,
    image_encoder: ImageEncoder,
    text_network: TextNetwork,
    piece_FT: Tensor,
    is_piece_FT: Tensor,
) -> AsgModel:
    """Put a model together from its encoders; see `build_model`.

    Args:
        config: What to build.
        vocabulary_size: Word pieces of the tokenizer.
        image_encoder: As built.
        text_network: With all of its layers. The text encoder is a copy of the first;
            with frozen queries the query encoder is the network itself.
        piece_FT: int64 word pieces of the names of the tags, [CLS] first.
        is_piece_FT: bool; False is padding.
    """
    text, legacy = config.text_encoder, config.legacy
    cut = cut_text_network(text_network, num_layers=text.num_layers)
    make_encoder = BlindTextEncoder if legacy.drop_positions else TextEncoder
    make_model = LegacyAsgModel if any(dict(legacy).values()) else AsgModel
    is_frozen = config.tag_decoder.queries == "frozen"
    return make_model(
        config,
        vocabulary_size=vocabulary_size,
        image_encoder=image_encoder,
        text_encoder=make_encoder(cut, config=text),
        query_encoder=TextEncoder(text_network, config=text) if is_frozen else None,
        piece_FT=piece_FT,
        is_piece_FT=is_piece_FT,
    )
