"""Models, tokenizers and batches that are small enough to build in every test."""

# Shape suffixes: as in asg_core/models/batch.py

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from torch import Tensor
from torchvision.ops import roi_align
from transformers import BertConfig, BertModel

from asg_core.models.asg import AsgModel
from asg_core.models.batch import PretrainBatch
from asg_core.models.build import build_model
from asg_core.models.config import (
    HeadsConfig,
    ImageEncoderConfig,
    ModelConfig,
    ScratchTextConfig,
    TagDecoderConfig,
    TextEncoderConfig,
)

SIZE = 32
NUM_TAGS = 5
VOCABULARY_SIZE = 120
IMAGE = ImageEncoderConfig(
    name="deit_tiny_patch16_224",
    size=SIZE,
    options={"depth": 1, "embed_dim": 24, "num_heads": 2},
)
"""Four patches."""

TEXT = TextEncoderConfig(
    name=None,
    scratch=ScratchTextConfig(width=16, layers=2, heads=2, vocabulary=VOCABULARY_SIZE),
    max_pieces=12,
)
SMALL = ModelConfig(
    image_encoder=IMAGE,
    text_encoder=TEXT,
    heads=HeadsConfig(hidden_width=20, width=8),
    tag_decoder=TagDecoderConfig(layers=1, heads=2, feedforward_width=16),
)


def small_model(config: ModelConfig = SMALL, *, seed: int = 0) -> AsgModel:
    """Build a model of five tags, in training mode."""
    torch.manual_seed(seed)
    length_F1 = torch.tensor([[4], [3], [3], [5], [3]])
    return build_model(
        config,
        vocabulary_size=VOCABULARY_SIZE,
        piece_FT=torch.randint(5, VOCABULARY_SIZE, (NUM_TAGS, 5)),
        is_piece_FT=torch.arange(5) < length_F1,
    )


def small_batch(
    *,
    num_words: tuple[int, ...] = (4, 9, 6, 1),
    num_units: tuple[int, ...] = (2, 3, 0, 1),
    seed: int = 0,
    size: int = SIZE,
) -> PretrainBatch:
    """Draw a batch: every word is one piece, the last word of a report is [SEP].

    A unit has one box and one word, both drawn.
    """
    generator = torch.Generator().manual_seed(seed)
    batch_size, widest = len(num_words), max(num_words)
    length_B1 = torch.tensor(num_words)[:, None]
    unit_words_BUW = torch.zeros(batch_size, max(num_units), widest)
    for image, units in enumerate(num_units):
        for unit in range(units):
            unit_words_BUW[image, unit, unit % num_words[image]] = 1
    corner_BU2 = torch.rand(batch_size, max(num_units), 2, generator=generator)
    side_BU2 = torch.rand(batch_size, max(num_units), 2, generator=generator)
    start_BU2 = corner_BU2 * size / 2
    end_BU2 = start_BU2 + 1 + side_BU2 * (size / 2 - 1)
    return PretrainBatch(
        image_BSS=torch.randint(
            0, 256, (batch_size, size, size), dtype=torch.uint8, generator=generator
        ),
        piece_BT=torch.randint(
            5, VOCABULARY_SIZE, (batch_size, widest + 1), generator=generator
        ),
        is_piece_BT=torch.arange(widest + 1) < length_B1 + 1,
        word_of_piece_BT=torch.arange(widest + 1).expand(batch_size, -1),
        is_word_BW=torch.arange(widest) < length_B1,
        unit_words_BUW=unit_words_BUW,
        boxes_BU4=torch.cat([start_BU2, end_BU2], dim=-1),
        is_unit_BU=torch.arange(max(num_units)) < torch.tensor(num_units)[:, None],
        tag_BF=torch.randint(0, 2, (batch_size, NUM_TAGS), generator=generator).float(),
        is_tag_BF=torch.ones(batch_size, NUM_TAGS, dtype=torch.bool),
    )


def save_tokenizer(path: Path) -> Tokenizer:
    """Write a tokenizer.json whose words are letters and their continuations."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = [chr(ord("a") + place) for place in range(26)]
    pieces = [*special, *letters, *(f"##{letter}" for letter in letters)]
    tokenizer = Tokenizer(
        WordPiece(
            {piece: index for index, piece in enumerate(pieces)}, unk_token="[UNK]"
        )
    )
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(path))
    return tokenizer


def save_bert(folder: Path, *, seed: int = 0, **changes: Any) -> BertModel:  # noqa: ANN401 - options of transformers
    """Write a BERT of three layers as transformers does; return it in evaluation mode."""
    torch.manual_seed(seed)
    options: dict[str, Any] = {
        "vocab_size": VOCABULARY_SIZE,
        "hidden_size": 16,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 16,
    }
    bert = BertModel(BertConfig(**(options | changes)))
    bert.train(mode=False)
    bert.save_pretrained(folder)
    return bert


def changed_config(**changes: dict[str, Any]) -> ModelConfig:
    """Return the small configuration with keys of its sections replaced."""
    sections = {
        name: getattr(SMALL, name).model_copy(update=keys)
        for name, keys in changes.items()
    }
    return SMALL.model_copy(update=sections)


def moved(model: AsgModel) -> AsgModel:
    """Return the model as if it had been trained: other weights, other statistics."""
    model.train()(small_batch())
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(0.01 * torch.randn_like(weight))
    return model.eval()


def regions_by_torchvision(
    model: AsgModel, batch: PretrainBatch, *, maps: list[int], aligned: bool
) -> Tensor:
    """Return the units' boxes as torchvision reads them from maps (B, U, D).

    Args:
        model: Whose patches are read.
        batch: One unit an image.
        maps: Which image's map each image's box is read from.
        aligned: Whether boxes are half a pixel to the upper left, as torchvision says.
    """
    patches_BPE = model.image_encoder(batch.image_BSS).patches_BPE
    patches_BPD = F.normalize(model.patch_head(patches_BPE), dim=-1)
    map_BDHW = patches_BPD.transpose(1, 2).unflatten(2, model.image_encoder.grid)
    pooled_BUD11 = [
        roi_align(
            map_BDHW[maps[image]][None],
            [batch.boxes_BU4[image]],
            output_size=1,
            spatial_scale=2 / SIZE,
            sampling_ratio=-1,
            aligned=aligned,
        )
        for image in range(batch.batch_size)
    ]
    return torch.stack(pooled_BUD11)[..., 0, 0]
