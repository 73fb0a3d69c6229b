"""IRL: the findings of each image as independent yes-or-no questions."""

# Shape suffixes: B = images of the batch, F = findings

from torch import Tensor
from torch.nn import functional

from asg_core.losses.logits import at_least_float32


def tag_loss(
    logit_BF: Tensor, target_BF: Tensor, *, is_tag_BF: Tensor | None = None
) -> Tensor:
    """Take the mean binary cross-entropy over the tags that take part.

    The definition:

        loss, count = 0, 0
        for b in range(B):
            for f in range(F):
                if is_tag[b][f]:
                    p, y = sigmoid(logit[b][f]), target[b][f]
                    loss -= y * log(p) + (1 - y) * log(1 - p)
                    count += 1
        loss = loss / count if count else 0

    Where no tag takes part the loss is zero and so are its gradients. What the left-out
    entries hold plays no part, not even a NaN.

    Args:
        logit_BF: Answers before the sigmoid.
        target_BF: Probabilities in [0, 1]; 0.5 is a hedged finding under policy `soft`.
        is_tag_BF: bool; False leaves an entry out. None: all take part.

    Returns:
        A scalar in 32 bit or more.

    Raises:
        ValueError: If the shapes differ.
    """
    mask_shape = target_BF.shape if is_tag_BF is None else is_tag_BF.shape
    if not logit_BF.shape == target_BF.shape == mask_shape:
        raise ValueError(
            "tag_loss: expected logits, targets and mask of one shape, found "
            f"{tuple(logit_BF.shape)}, {tuple(target_BF.shape)}, {tuple(mask_shape)}"
        )
    logit_BF, target_BF = at_least_float32(logit_BF), at_least_float32(target_BF)
    if is_tag_BF is None:
        is_tag_BF = target_BF.new_ones(target_BF.shape).bool()
    logit_BF = logit_BF.masked_fill(~is_tag_BF, 0)
    target_BF = target_BF.masked_fill(~is_tag_BF, 0)
    loss_BF = functional.binary_cross_entropy_with_logits(
        logit_BF, target_BF, reduction="none"
    )
    return loss_BF.masked_fill(~is_tag_BF, 0).sum() / is_tag_BF.sum().clamp(min=1)
