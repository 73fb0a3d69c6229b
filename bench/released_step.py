"""The training step that the authors of ASG released, as far as its speed goes.

Written anew from the description of their code, for `bench_pretraining.py` only: the same
work in the same order, on random weights. What makes it slow is kept: the features of the
40 tags are computed at every step, padded to 128 pieces, by a second BERT of 12 layers;
word vectors are summed in a Python loop that reads one token at a time; reports are padded
to 112 pieces; attention is spelt out; AdamW is the default one. What only makes it wrong is
not kept: boxes are pooled from their own image.
"""

# Shape suffixes:
#   B = images, C = channels, S = rows, and columns, of the input, T = word pieces,
#   W = word slots after [CLS], U = unit slots, K = words of a unit, F = tags,
#   P = patches, E = width of features, D = width of the joint space, 4 = x0, y0, x1, y1

from collections.abc import Mapping
from dataclasses import dataclass

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import roi_align
from transformers import BertConfig, BertModel

NUM_PIECES = 112
NUM_TAG_PIECES = 128
NUM_UNITS = 23
NUM_UNIT_WORDS = 110
TEMPERATURE = 0.07
WIDTH, JOINT = 768, 128


@dataclass(frozen=True, kw_only=True)
class ReleasedBatch:
    """What the released collate function returns."""

    image_BCSS: Tensor  # float32, normalised, three channels
    piece_BT: Tensor
    is_piece_BT: Tensor
    boxes_BU4: Tensor  # grid cells
    words_BUK: Tensor  # -1 is padding
    is_unit_BU: Tensor
    tag_BF: Tensor
    tag_piece_FT: Tensor
    is_tag_piece_FT: Tensor


class ReleasedModel(nn.Module):
    """Encoders, heads and tag decoder in the released sizes."""

    def __init__(self, *, word_of_id: Mapping[int, str]) -> None:
        super().__init__()
        self.word_of_id = word_of_id
        self.image_encoder = timm.create_model("deit_base_patch16_224", num_classes=0)
        for block in self.image_encoder.blocks:
            block.attn.fused_attn = False
        self.text_encoder = _bert(len(word_of_id), layers=6)
        self.tag_encoder = _bert(len(word_of_id), layers=12).requires_grad_(
            requires_grad=False
        )
        self.image_head, self.report_head = _global_head(), _global_head()
        self.patch_head, self.word_head = _local_head(), _local_head()
        self.decoder = nn.TransformerDecoder(
            nn.TransformerDecoderLayer(
                WIDTH, 4, 1024, dropout=0.1, norm_first=True, batch_first=True
            ),
            num_layers=4,
            norm=nn.LayerNorm(WIDTH),
        )
        self.answer = nn.Sequential(nn.Dropout(0.1), nn.Linear(WIDTH, 1))

    def losses(self, batch: ReleasedBatch) -> dict[str, Tensor]:
        """Return the four losses."""
        tokens = self.image_encoder.forward_features(batch.image_BCSS)
        word_BWE = self._words(batch)
        image_BD = F.normalize(self.image_head(tokens[:, 0]), dim=-1)
        report_BD = F.normalize(self.report_head(word_BWE[:, 0]), dim=-1)
        patch_BPD = self.patch_head(tokens[:, 1:].transpose(1, 2)).transpose(1, 2)
        word_BWD = self.word_head(word_BWE[:, 1:].transpose(1, 2)).transpose(1, 2)
        region_BUD = _regions(F.normalize(patch_BPD, dim=-1), batch.boxes_BU4)
        sentence_BUD = _sentences(F.normalize(word_BWD, dim=-1), batch.words_BUK)
        logit_BB = image_BD @ report_BD.T / TEMPERATURE
        return {
            "image_report": _both_ways(logit_BB, torch.arange(len(logit_BB))),
            "region_sentence": _unit_loss(region_BUD, sentence_BUD, batch.is_unit_BU),
            "tags": F.binary_cross_entropy_with_logits(
                self._tags(batch, tokens[:, 1:]), batch.tag_BF
            ),
            "soft_labels": _soft_loss(logit_BB, batch.tag_BF),
        }

    def _tags(self, batch: ReleasedBatch, patch_BPE: Tensor) -> Tensor:
        with torch.no_grad():
            encoded = self.tag_encoder(
                input_ids=batch.tag_piece_FT,
                attention_mask=batch.is_tag_piece_FT.long(),
            )
        query_BFE = encoded.last_hidden_state[:, 0].expand(len(patch_BPE), -1, -1)
        return self.answer(self.decoder(query_BFE, patch_BPE)).squeeze(-1)

    def _words(self, batch: ReleasedBatch) -> Tensor:
        """Return the sums of the pieces of each word, piece by piece."""
        hidden_BTE = self.text_encoder(
            input_ids=batch.piece_BT,
            attention_mask=batch.is_piece_BT.long(),
            position_ids=torch.zeros_like(batch.piece_BT),
        ).last_hidden_state
        reports = []
        for hidden_TE, piece_T in zip(hidden_BTE, batch.piece_BT, strict=True):
            words: list[Tensor] = []
            bank: list[Tensor] = []
            for hidden_E, piece in zip(hidden_TE, piece_T, strict=True):
                word = self.word_of_id[piece.item()]
                if bank and not word.startswith("##"):
                    words.append(torch.stack(bank).sum(dim=0))
                    bank = []
                bank.append(hidden_E)
                if word == "[SEP]":
                    words.append(hidden_E)
                    break
            padding = hidden_TE.new_zeros(NUM_PIECES - len(words), WIDTH)
            reports.append(torch.cat([torch.stack(words), padding]))
        return torch.stack(reports)


def released_step(
    model: ReleasedModel, optimizer: torch.optim.Optimizer, batch: ReleasedBatch
) -> float:
    """Do one update in 32 bit and return the loss."""
    losses = model.losses(batch)
    total = losses["image_report"] + losses["region_sentence"]
    total = total + 5 * losses["tags"] + losses["soft_labels"]
    optimizer.zero_grad()
    total.backward()
    optimizer.step()
    return total.item()


def _bert(num_pieces: int, *, layers: int) -> nn.Module:
    config = BertConfig(
        vocab_size=num_pieces,
        num_hidden_layers=layers,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        attn_implementation="eager",
    )
    return BertModel(config, add_pooling_layer=False)


def _global_head() -> nn.Module:
    return nn.Sequential(
        nn.Linear(WIDTH, 2048),
        nn.BatchNorm1d(2048),
        nn.ReLU(inplace=True),
        nn.Linear(2048, JOINT),
        nn.BatchNorm1d(JOINT, affine=False),
    )


def _local_head() -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(WIDTH, 2048, 1),
        nn.BatchNorm1d(2048),
        nn.ReLU(inplace=True),
        nn.Conv1d(2048, JOINT, 1),
        nn.BatchNorm1d(JOINT, affine=False),
    )


def _regions(patch_BPD: Tensor, boxes_BU4: Tensor) -> Tensor:
    side = round(patch_BPD.shape[1] ** 0.5)
    map_BDHW = patch_BPD.transpose(1, 2).unflatten(2, (side, side)).contiguous()
    pooled = roi_align(
        map_BDHW, list(boxes_BU4), output_size=(1, 1), spatial_scale=1.0, aligned=False
    )
    return pooled.flatten(1).unflatten(0, boxes_BU4.shape[:2])


def _sentences(word_BWD: Tensor, words_BUK: Tensor) -> Tensor:
    is_word_BUK = words_BUK >= 0
    index = words_BUK.clamp(min=0)[..., None].expand(-1, -1, -1, JOINT)
    spread = word_BWD[:, None].expand(-1, words_BUK.shape[1], -1, -1)
    found = spread.gather(2, index) * is_word_BUK[..., None]
    return found.sum(dim=2) / is_word_BUK.sum(dim=2, keepdim=True).clamp(min=1)


def _unit_loss(region_BUD: Tensor, sentence_BUD: Tensor, is_unit_BU: Tensor) -> Tensor:
    is_pair_BUU = is_unit_BU[:, :, None] == is_unit_BU[:, None, :]
    mask_BUU = torch.zeros(is_pair_BUU.shape).masked_fill(~is_pair_BUU, -torch.inf)
    logit_BUU = region_BUD @ sentence_BUD.transpose(1, 2) / TEMPERATURE + mask_BUU
    own_BU = torch.arange(logit_BUU.shape[1]).expand(len(logit_BUU), -1)
    own_BU = own_BU.masked_fill(~is_unit_BU, -100)
    return sum(
        F.cross_entropy(direction.flatten(0, 1), own_BU.flatten())
        for direction in (logit_BUU, logit_BUU.transpose(1, 2))
    )


def _soft_loss(logit_BB: Tensor, tag_BF: Tensor) -> Tensor:
    unit_BF = F.normalize(tag_BF, dim=-1)
    target_BB = 0.8 * torch.eye(len(tag_BF)) + 0.2 * (unit_BF @ unit_BF.T) + 1e-6
    target_BB = F.normalize(target_BB, p=1, dim=1)
    total = logit_BB.new_zeros(())
    for direction_BB in (logit_BB, logit_BB.T):
        log_prob_BB = direction_BB.log_softmax(dim=1)
        log_target_BB = target_BB.log()
        total = total + F.kl_div(log_prob_BB, target_BB, reduction="batchmean")
        total = total + F.kl_div(
            log_target_BB, log_prob_BB.exp(), reduction="batchmean"
        )
    return total / 4


def _both_ways(logit_BB: Tensor, own_B: Tensor) -> Tensor:
    return F.cross_entropy(logit_BB, own_B) + F.cross_entropy(logit_BB.T, own_B)
