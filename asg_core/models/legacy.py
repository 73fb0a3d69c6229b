"""Defects of the authors' released code, each behind a switch of `LegacyConfig`.

They could have shaped the published numbers, so a study can switch them on. No other
module knows of them but the one that builds models.
"""

# Shape suffixes:
#   B = images of the batch, T = word pieces, W = word slots after [CLS], U = units,
#   P = patches, I = width of image features, E = width of text features

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from asg_core.models.asg import AsgModel, unit_length
from asg_core.models.batch import PretrainBatch
from asg_core.models.config import TextEncoderConfig
from asg_core.models.roi_align import roi_weights
from asg_core.models.text_encoder import TextEncoder, TextNetwork


class LegacyAsgModel(AsgModel):
    """The model with those defects that its configuration switches on."""

    def patch_vectors(self, batch: PretrainBatch, patches_BPI: Tensor) -> Tensor:
        """Return the patches that boxes are read from, perhaps of another image.

        The released code sorts a batch by report length after the boxes were given the
        positions of their images: the boxes of image i read the i-th longest.
        """
        patches_BPD = super().patch_vectors(batch, patches_BPI)
        if not self.config.legacy.mix_up_regions:
            return patches_BPD
        length_B = batch.is_piece_BT.sum(1)
        return patches_BPD[length_B.argsort(descending=True, stable=True)]

    def box_weights(self, batch: PretrainBatch) -> Tensor:
        """Return how much each patch counts for each unit's box, perhaps half a cell off."""
        return roi_weights(
            batch.boxes_BU4.masked_fill(~batch.is_unit_BU[..., None], 0),
            size=self.image_encoder.size,
            grid=self.image_encoder.grid,
            aligned=not self.config.legacy.unaligned_regions,
        )

    def word_vectors(self, batch: PretrainBatch, word_BWE: Tensor) -> Tensor:
        """Return the words, perhaps with statistics that count the padding up to the most."""
        if not self.config.legacy.padded_batch_norm:
            return super().word_vectors(batch, word_BWE)
        num_words = word_BWE.shape[1]
        num_padding = max(0, self.text_encoder.max_pieces - 1 - num_words)
        padded_BWE = functional.pad(word_BWE, (0, 0, 0, num_padding))
        return unit_length(self.word_head(padded_BWE)[:, :num_words])


class BlindTextEncoder(TextEncoder):
    """A text encoder that does not see the order of words.

    Every piece has position 0, and token types say nothing and are not trained.
    """

    def __init__(self, network: TextNetwork, *, config: TextEncoderConfig) -> None:
        """Blind a BERT.

        Raises:
            ValueError: If the network is of another type, or does not fit `config`.
        """
        kind = network.config.model_type
        if kind != "bert":
            raise ValueError(
                "model.legacy.drop_positions: expected a BERT, found an encoder of type "
                f"'{kind}'; switch it off or name a BERT"
            )
        super().__init__(network, config=config)
        token_type = network.embeddings.token_type_embeddings
        nn.init.zeros_(token_type.weight)
        token_type.requires_grad_(requires_grad=False)

    def positions(self, piece_BT: Tensor) -> dict[str, Tensor]:
        """Return position 0 for every piece."""
        return {"position_ids": torch.zeros_like(piece_BT)}

    def plain_network(self) -> Any:  # noqa: ANN401 - transformers is untyped
        """Return a copy with equal positions, which reads in the same way by itself."""
        network = copy.deepcopy(self.network)
        weight = network.embeddings.position_embeddings.weight
        weight.data[:] = weight.data[:1].clone()
        return network
