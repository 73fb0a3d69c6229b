"""The whole model: a batch of images and reports -> embeddings, units, tag logits."""

# Shape suffixes:
#   B = images of the batch, S = rows, and columns, of the model input
#   T = word pieces, K = word slots with [CLS], W = word slots after it
#   U = units, P = patches, 4 = x0, y0, x1, y1
#   F = findings, Q = queries, I = width of image features, E = width of text features
#   D = width of the joint space

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from asg_core.models.batch import PretrainBatch
from asg_core.models.config import ModelConfig
from asg_core.models.heads import ProjectionHead
from asg_core.models.image_encoder import ImageEncoder
from asg_core.models.roi_align import roi_weights
from asg_core.models.tag_decoder import TagDecoder
from asg_core.models.text_encoder import TextEncoder
from asg_core.models.words import pool_words

_MIN_LENGTH = 1e-6
"""Shorter vectors are divided by it and not by their length, so zero stays zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AsgOutput:
    """What the losses are computed from; all 32 bit."""

    image_BD: Tensor
    """Embeddings of images, of unit length."""

    report_BD: Tensor
    """Embeddings of reports, of unit length."""

    is_unit_BU: Tensor
    """bool; the mask of the batch."""

    region_BUD: Tensor | None
    """Embeddings of the units' boxes, zero in the padding; None without units."""

    sentence_BUD: Tensor | None
    """Embeddings of the units' texts, zero in the padding; None without units."""

    tag_logit_BF: Tensor | None
    """Answers before the sigmoid, in the order of the tags; None without tags."""


class AsgModel(nn.Module):
    """Two encoders, four heads and the tag decoder; see `build_model`.

    With frozen queries the model owns a second text encoder, `query_encoder`, that is
    never trained and always in evaluation mode. It is part of the state, so a published
    checkpoint answers queries in free text without a model hub; `query_FE` keeps what it
    says of the tags.
    """

    def __init__(
        self,
        config: ModelConfig,
        *,
        vocabulary_size: int,
        image_encoder: ImageEncoder,
        text_encoder: TextEncoder,
        query_encoder: TextEncoder | None,
        piece_FT: Tensor,
        is_piece_FT: Tensor,
    ) -> None:
        super().__init__()
        self.config = config
        self.vocabulary_size = vocabulary_size
        self.image_encoder = image_encoder
        self.text_encoder = text_encoder
        self.image_head = _head(image_encoder.pooled_width, config)
        self.report_head = _head(text_encoder.width, config)
        self.patch_head = _head(image_encoder.width, config)
        self.word_head = _head(text_encoder.width, config)
        query_width = (query_encoder or text_encoder).width
        decoder = config.tag_decoder
        self.tag_decoder = TagDecoder(
            query_width=query_width,
            patch_width=image_encoder.width,
            num_layers=decoder.layers,
            num_heads=decoder.heads,
            feedforward_width=decoder.feedforward_width,
            dropout=decoder.dropout,
        )
        self.piece_FT: Tensor
        self.is_piece_FT: Tensor
        self.query_FE: Tensor | None
        self.register_buffer("piece_FT", piece_FT)
        self.register_buffer("is_piece_FT", is_piece_FT)
        self.query_encoder = query_encoder
        query_FE = None
        if query_encoder is not None:
            query_encoder.requires_grad_(requires_grad=False).eval()
            query_FE = self.text_queries(piece_FT, is_piece_FT)
        self.register_buffer("query_FE", query_FE)

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - torch's signature
        """Switch dropout and batch statistics; the query encoder stays as it is."""
        super().train(mode)
        if self.query_encoder is not None:
            self.query_encoder.eval()
        return self

    def forward(
        self, batch: PretrainBatch, *, with_units: bool = True, with_tags: bool = True
    ) -> AsgOutput:
        """Compute what the losses need.

        Args:
            batch: Images and reports on the device of the model.
            with_units: Whether units are embedded; without, the heads of patches and
                words are not run.
            with_tags: Whether tags are asked for; without, the tag decoder is not run.
                Weights that are not run get no gradient: DistributedDataParallel then
                needs `find_unused_parameters`.
        """
        hidden_BTE = self.text_encoder(batch.piece_BT, batch.is_piece_BT)
        features = self.image_encoder(batch.image_BSS)
        region_BUD = sentence_BUD = tag_logit_BF = None
        if with_units:
            region_BUD = self._regions(batch, features.patches_BPE)
            sentence_BUD = self._sentences(batch, hidden_BTE)
        if with_tags:
            queries_FE = self._tag_queries()
            tag_logit_BF = self.tag_decoder(queries_FE, features.patches_BPE).float()
        return AsgOutput(
            image_BD=unit_length(self.image_head(features.pooled_BE)),
            report_BD=unit_length(self.report_head(hidden_BTE[:, 0])),
            is_unit_BU=batch.is_unit_BU,
            region_BUD=region_BUD,
            sentence_BUD=sentence_BUD,
            tag_logit_BF=tag_logit_BF,
        )

    def image_embedding(self, image_BSS: Tensor) -> Tensor:
        """Return embeddings of uint8 grey images, of unit length: (B, D)."""
        return unit_length(self.image_head(self.image_encoder(image_BSS).pooled_BE))

    def text_embedding(self, piece_BT: Tensor, is_piece_BT: Tensor) -> Tensor:
        """Return embeddings of reports or prompts, of unit length: (B, D)."""
        hidden_BTE = self.text_encoder(piece_BT, is_piece_BT)
        return unit_length(self.report_head(hidden_BTE[:, 0]))

    def tag_logits(self, image_BSS: Tensor, queries_QE: Tensor | None = None) -> Tensor:
        """Ask every image about the tags, or about other queries: logits (B, Q).

        Queries see each other in the decoder, so an answer depends on what else is asked;
        training asked for the tags together.

        Args:
            image_BSS: uint8 grey images.
            queries_QE: What `text_queries` returned; None asks for the tags.
        """
        if queries_QE is None:
            queries_QE = self._tag_queries()
        patches_BPI = self.image_encoder(image_BSS).patches_BPE
        logit_BQ: Tensor = self.tag_decoder(queries_QE, patches_BPI)
        return logit_BQ.float()

    def text_queries(self, piece_QT: Tensor, is_piece_QT: Tensor) -> Tensor:
        """Return the features of texts that the tag decoder can be asked with: (Q, E).

        They are the hidden states at [CLS]: with frozen queries those of the encoder as
        it was before training, without gradient; else those of the trained encoder.
        """
        if self.query_encoder is None:
            hidden_QTE: Tensor = self.text_encoder(piece_QT, is_piece_QT)
            return hidden_QTE[:, 0]
        device = piece_QT.device.type
        with torch.no_grad(), torch.autocast(device, enabled=False):
            hidden_QTE = self.query_encoder(piece_QT, is_piece_QT)
        return hidden_QTE[:, 0]

    def patch_vectors(self, batch: PretrainBatch, patches_BPI: Tensor) -> Tensor:
        """Return the patches that boxes are read from, of unit length: (B, P, D)."""
        del batch
        return unit_length(self.patch_head(patches_BPI))

    def box_weights(self, batch: PretrainBatch) -> Tensor:
        """Return how much each patch counts for each unit's box: (B, U, P)."""
        return roi_weights(
            batch.boxes_BU4.masked_fill(~batch.is_unit_BU[..., None], 0),
            size=self.image_encoder.size,
            grid=self.image_encoder.grid,
        )

    def word_vectors(self, batch: PretrainBatch, word_BWE: Tensor) -> Tensor:
        """Return the words that sentences are made of, of unit length: (B, W, D)."""
        return unit_length(self.word_head(word_BWE, batch.is_word_BW))

    def _tag_queries(self) -> Tensor:
        if self.query_FE is not None:
            return self.query_FE
        return self.text_queries(self.piece_FT, self.is_piece_FT)

    def _regions(self, batch: PretrainBatch, patches_BPI: Tensor) -> Tensor:
        return self._pool_units(
            self.box_weights(batch),
            self.patch_vectors(batch, patches_BPI),
            batch.is_unit_BU,
        )

    def _sentences(self, batch: PretrainBatch, hidden_BTE: Tensor) -> Tensor:
        num_words = batch.is_word_BW.shape[1]
        word_BWE = pool_words(
            hidden_BTE,
            batch.word_of_piece_BT,
            batch.is_piece_BT,
            num_slots=num_words + 1,
        )[:, 1:]
        return self._pool_units(
            batch.unit_words_BUW, self.word_vectors(batch, word_BWE), batch.is_unit_BU
        )

    def _pool_units(
        self, weights_BUN: Tensor, vectors_BND: Tensor, is_unit_BU: Tensor
    ) -> Tensor:
        """Return the weighted sums of vectors in 32 bit, zero where there is no unit."""
        with torch.autocast(vectors_BND.device.type, enabled=False):
            unit_BUD = weights_BUN.float() @ vectors_BND.float()
        unit_BUD = unit_BUD.masked_fill(~is_unit_BU[..., None], 0)
        if self.config.heads.normalise_units:
            unit_BUD = unit_length(unit_BUD)
        return unit_BUD


def _head(in_width: int, config: ModelConfig) -> ProjectionHead:
    return ProjectionHead(in_width, config.heads.hidden_width, config.heads.width)


def unit_length(vector: Tensor) -> Tensor:
    """Scale vectors to unit length, in 32 bit; zero stays zero."""
    return functional.normalize(vector.float(), dim=-1, eps=_MIN_LENGTH)
