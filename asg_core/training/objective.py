"""What is minimised: the losses by name, their weights by name, and what is watched."""

# Shape suffixes:
#   B = images, of this process or of all, D = width of the joint space
#   U = units of an image, F = findings

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from asg_core.learning.processes import World
from asg_core.losses.image_report import image_report_loss
from asg_core.losses.logits import similarity_logits
from asg_core.losses.region_sentence import region_sentence_loss
from asg_core.losses.soft_labels import diagonal_share, soft_label_loss
from asg_core.losses.tags import tag_loss
from asg_core.models.asg import AsgOutput
from asg_core.models.batch import PretrainBatch
from asg_core.training.config import LossesConfig

Gather = Callable[[Tensor], Tensor]
"""Rows of this process -> rows of all processes, by rank; gradients flow back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """What a model makes of a batch."""

    losses: dict[str, Tensor]
    watched: dict[str, Tensor]
    tag_logit_BF: Tensor | None
    """Of the rows of this process; None without the tag loss."""


def _own_rows(rows: Tensor) -> Tensor:
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """The losses of one run. Those of weight 0 are not computed."""

    config: LossesConfig
    gather: Gather = _own_rows
    """What IRA and ERL compare: by default the rows of this process only."""

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each loss that is computed."""
        weights = self.config.weights
        return {name: weight for name, weight in weights.items() if weight > 0}

    def evaluate(self, model: nn.Module, batch: PretrainBatch) -> Evaluated:
        """Run the model, an `AsgModel` or its wrapper, on a batch.

        Watched are `retrieval_at_1` and `retrieval_at_5`, the share of images and reports
        that have their counterpart among the 1 and the 5 most similar (mean of the two
        directions); `region_logit_scale`, the mean absolute logit of ARSA; and
        `diagonal_share`, what ERL's target leaves to the own report.
        """
        output: AsgOutput = model(
            batch,
            with_units=self.config.region_sentence > 0,
            with_tags=self.config.tags > 0,
        )
        image_BD, report_BD = (
            self.gather(output.image_BD),
            self.gather(output.report_BD),
        )
        tag_BF = self.gather(batch.tag_BF)
        losses = self.contrast(image_BD, report_BD, tag_BF)
        losses |= self._sample_losses(output, batch)
        with torch.no_grad():
            watched = retrieval(image_BD, report_BD)
            watched |= self._watch(output, tag_BF)
        return Evaluated(
            losses=losses, watched=watched, tag_logit_BF=output.tag_logit_BF
        )

    def contrast(
        self, image_BD: Tensor, report_BD: Tensor, tag_BF: Tensor
    ) -> dict[str, Tensor]:
        """Return the losses that compare images with the reports of others, by name.

        Args:
            image_BD: Embeddings of unit length, gathered or not.
            report_BD: Row i belongs to image i.
            tag_BF: Targets of tags, of the same rows.
        """
        losses: dict[str, Tensor] = {}
        if self.config.image_report > 0:
            losses["image_report"] = image_report_loss(
                image_BD, report_BD, temperature=self.config.temperature
            )
        if self.config.soft_labels > 0:
            losses["soft_labels"] = soft_label_loss(
                image_BD,
                report_BD,
                tag_BF,
                temperature=self.config.temperature,
                hard_weight=self.config.hard_weight,
                epsilon=self.config.epsilon,
            )
        return losses

    def _sample_losses(
        self, output: AsgOutput, batch: PretrainBatch
    ) -> dict[str, Tensor]:
        losses: dict[str, Tensor] = {}
        if output.region_BUD is not None and output.sentence_BUD is not None:
            losses["region_sentence"] = region_sentence_loss(
                output.region_BUD,
                output.sentence_BUD,
                output.is_unit_BU,
                temperature=self.config.temperature,
            )
        if output.tag_logit_BF is not None:
            losses["tags"] = tag_loss(
                output.tag_logit_BF, batch.tag_BF, is_tag_BF=batch.is_tag_BF
            )
        return losses

    def _watch(self, output: AsgOutput, tag_BF: Tensor) -> dict[str, Tensor]:
        watched: dict[str, Tensor] = {}
        if output.region_BUD is not None and output.sentence_BUD is not None:
            watched["region_logit_scale"] = mean_abs_logit(
                output.region_BUD,
                output.sentence_BUD,
                output.is_unit_BU,
                temperature=self.config.temperature,
            )
        if self.config.soft_labels > 0:
            watched["diagonal_share"] = diagonal_share(
                tag_BF,
                hard_weight=self.config.hard_weight,
                epsilon=self.config.epsilon,
            )
        return watched


def make_objective(config: LossesConfig, *, world: World) -> Objective:
    """Return the objective of one of the processes, with the negatives it asks for."""
    if config.negatives == "global":
        return Objective(config=config, gather=world.gather_rows)
    return Objective(config=config)


def retrieval(image_BD: Tensor, report_BD: Tensor) -> dict[str, Tensor]:
    """Return `retrieval_at_1` and `retrieval_at_5`, mean of both directions.

    A counterpart counts as found when fewer than 1, or 5, others are more similar: where
    others are equally similar, all of them come first, so equal embeddings find nothing.
    Similarities are 32 bit under autocast too: rounding would make them equal.
    """
    similarity_BB = similarity_logits(image_BD, report_BD, temperature=1.0)
    own_B = similarity_BB.diagonal()
    ranks = []
    for direction_BB in (similarity_BB, similarity_BB.T):
        is_before_BB = direction_BB >= own_B[:, None]
        ranks.append(is_before_BB.sum(dim=1) - 1)
    rank_2B = torch.stack(ranks)
    return {
        f"retrieval_at_{count}": (rank_2B < count).float().mean() for count in (1, 5)
    }


def mean_abs_logit(
    region_BUD: Tensor,
    sentence_BUD: Tensor,
    is_unit_BU: Tensor,
    *,
    temperature: float,
) -> Tensor:
    """Return the mean absolute logit over pairs of units of one image; 0 without units."""
    logit_BUU = similarity_logits(region_BUD, sentence_BUD, temperature=temperature)
    is_pair_BUU = is_unit_BU[:, :, None] & is_unit_BU[:, None, :]
    total = (logit_BUU.abs() * is_pair_BUU).sum()
    return total / is_pair_BUU.sum().clamp(min=1)
