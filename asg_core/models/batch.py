"""What a model is given: one batch of images with their reports, units and tags."""

# Shape suffixes:
#   B = images of the batch, S = rows, and columns, of the model input
#   T = word pieces with [CLS] and [SEP], W = word slots without [CLS]
#   U = units, F = findings, 4 = x0, y0, x1, y1

from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainBatch:
    """Images, reports, units and tags, row i of each about the same image.

    Word slots: 0 is [CLS], 1 .. n the words of a report with n words, n + 1 is [SEP].
    `W` slots are what follows [CLS], so word k of a report (0-based) is column k of
    `unit_words_BUW`, and [SEP] is column n.
    """

    image_BSS: Tensor
    """uint8, 0 black .. 255 white: the crop that the encoder sees."""

    piece_BT: Tensor
    """int64 ids of the tokenizer; [CLS] first, [SEP] last, then padding."""

    is_piece_BT: Tensor
    """bool; False is padding."""

    word_of_piece_BT: Tensor
    """int64 word slot of each piece; what it says of padding means nothing."""

    is_word_BW: Tensor
    """bool; True where a slot after [CLS] holds a word or [SEP], False in the padding."""

    unit_words_BUW: Tensor
    """float32; 1 / number of its words at each word of a unit, else 0."""

    boxes_BU4: Tensor
    """float32 xyxy, pixels of the model input; what it says of padding means nothing."""

    is_unit_BU: Tensor
    """bool; False is padding. Units come first."""

    tag_BF: Tensor
    """float32 in [0, 1], in the order of FINDINGS: the target of each tag."""

    is_tag_BF: Tensor
    """bool; False where a tag takes no part in the tag loss."""

    def to(self, device: torch.device) -> Self:
        """Return the batch on `device`."""
        moved = {
            field.name: getattr(self, field.name).to(device, non_blocking=True)
            for field in fields(self)
        }
        return type(self)(**moved)

    def pin_memory(self) -> Self:
        """Return the batch in page-locked memory: a DataLoader asks for it by this name."""
        pinned = {
            field.name: getattr(self, field.name).pin_memory() for field in fields(self)
        }
        return type(self)(**pinned)

    @property
    def batch_size(self) -> int:
        """Number of images."""
        return len(self.image_BSS)
