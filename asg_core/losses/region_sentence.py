"""ARSA: within each image, each unit's box finds its text, and each text its box."""

# Shape suffixes: B = images of the batch, U = units of an image, D = embedding width

import torch
from torch import Tensor

from asg_core.losses.logits import at_least_float32, similarity_logits


def region_sentence_loss(
    region_BUD: Tensor,
    sentence_BUD: Tensor,
    is_unit_BU: Tensor,
    *,
    temperature: float,
) -> Tensor:
    """Contrast the units of each image with each other, in both directions, added.

    Embeddings are used as they are. The mean is over all units of the batch, so an image
    with more units weighs more; the only unit of an image adds nothing to the sum and
    one to the count. The definition:

        loss, count = 0, 0
        for b in range(B):
            units = [u for u in range(U) if is_unit[b][u]]
            for u in units:
                row = [dot(region[b][u], sentence[b][k]) / temperature for k in units]
                column = [dot(region[b][k], sentence[b][u]) / temperature for k in units]
                own = dot(region[b][u], sentence[b][u]) / temperature
                loss += (logsumexp(row) - own) + (logsumexp(column) - own)
                count += 1
        loss = loss / count if count else 0

    Without any unit the loss is zero and so are its gradients. What padding holds plays
    no part, not even a NaN.

    Args:
        region_BUD: Embeddings of the units' boxes.
        sentence_BUD: Embeddings of the units' texts.
        is_unit_BU: bool; False is padding.
        temperature: What similarities are divided by.

    Returns:
        A scalar in 32 bit or more.

    Raises:
        ValueError: If the shapes do not belong together.
    """
    if (
        region_BUD.shape != sentence_BUD.shape
        or region_BUD.shape[:2] != is_unit_BU.shape
    ):
        raise ValueError(
            "region_sentence_loss: expected regions and sentences of one shape (B, U, D) "
            f"and a mask (B, U), found {tuple(region_BUD.shape)}, "
            f"{tuple(sentence_BUD.shape)} and {tuple(is_unit_BU.shape)}"
        )
    region_BUD = at_least_float32(region_BUD).masked_fill(~is_unit_BU[..., None], 0)
    sentence_BUD = at_least_float32(sentence_BUD).masked_fill(~is_unit_BU[..., None], 0)
    logit_BUU = similarity_logits(region_BUD, sentence_BUD, temperature=temperature)
    # The lowest number and not -inf: rows of padding stay finite, and so do gradients.
    is_pair_BUU = is_unit_BU[:, :, None] & is_unit_BU[:, None, :]
    logit_BUU = logit_BUU.masked_fill(~is_pair_BUU, torch.finfo(logit_BUU.dtype).min)
    log_prob_BUU = logit_BUU.log_softmax(2) + logit_BUU.log_softmax(1)
    log_prob_BU = log_prob_BUU.diagonal(dim1=1, dim2=2)
    total = -log_prob_BU.masked_fill(~is_unit_BU, 0).sum()
    return total / is_unit_BU.sum().clamp(min=1)
