"""What MGCA's protocols minimise."""

# Shape suffixes:
#   B = images, T = targets, S = rows, and columns, of a mask

import torch.nn.functional as F
from torch import Tensor


def classification_loss(
    logit_BT: Tensor, truth_BT: Tensor, *, is_exclusive: bool
) -> Tensor:
    """Return cross-entropy as a mean over labels; without any label 0.

    Args:
        logit_BT: One per target.
        truth_BT: 1, 0, or NaN where unlabelled.
        is_exclusive: Whether targets are classes, over which an image has one label.
    """
    is_labelled_BT = ~truth_BT.isnan()
    if is_exclusive:
        is_labelled_B = is_labelled_BT.all(1)
        loss_B = F.cross_entropy(
            logit_BT, truth_BT.nan_to_num().argmax(1), reduction="none"
        )
        return (loss_B * is_labelled_B).sum() / is_labelled_B.sum().clamp(min=1)
    loss_BT = F.binary_cross_entropy_with_logits(
        logit_BT, truth_BT.nan_to_num(), reduction="none"
    )
    return (loss_BT * is_labelled_BT).sum() / is_labelled_BT.sum().clamp(min=1)


def segmentation_losses(
    logit_BSS: Tensor, share_BSS: Tensor, *, gamma: float
) -> dict[str, Tensor]:
    """Return the focal loss, and the negative logarithm of soft Dice, over the batch.

    With p the probability of a pixel, t the share of it that is inside, and x its logit:

        focal = mean over pixels of
            sigmoid(-x (2 t - 1)) ** gamma * (cross-entropy of p and t)
        dice = - ln((2 sum p t + 1) / (sum p + sum t + 1))

    Args:
        logit_BSS: The logits.
        share_BSS: In 0 .. 1; fractions at the edges of masks.
        gamma: Exponent of the focal loss.
    """
    entropy_BSS = F.binary_cross_entropy_with_logits(
        logit_BSS, share_BSS, reduction="none"
    )
    miss_BSS = (-logit_BSS * (2 * share_BSS - 1)).sigmoid()
    prob_BSS = logit_BSS.sigmoid()
    shared = 2 * (prob_BSS * share_BSS).sum() + 1
    dice = shared / (prob_BSS.sum() + share_BSS.sum() + 1)
    return {"focal": (miss_BSS**gamma * entropy_BSS).mean(), "dice": -dice.log()}
