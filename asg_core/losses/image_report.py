"""IRA: each image finds its report among those of the batch, and each report its image."""

# Shape suffixes: B = images of the batch, and their reports, D = embedding width

import torch
from torch import Tensor
from torch.nn import functional as F

from asg_core.losses.logits import similarity_logits


def image_report_loss(
    image_BD: Tensor, report_BD: Tensor, *, temperature: float
) -> Tensor:
    """Contrast images with reports in both directions; the two are added, not averaged.

    Embeddings are used as they are: scale them to unit length before. The definition:

        loss = 0
        for i in range(B):
            row = [dot(image[i], report[j]) / temperature for j in range(B)]
            column = [dot(image[j], report[i]) / temperature for j in range(B)]
            loss += (logsumexp(row) - row[i]) + (logsumexp(column) - column[i])
        loss = loss / B

    One pair gives zero: it has nothing to be told from.

    Args:
        image_BD: Embeddings of images.
        report_BD: Embeddings of reports; row i belongs to image i.
        temperature: What similarities are divided by.

    Returns:
        A scalar in 32 bit or more.

    Raises:
        ValueError: If the shapes differ or the batch is empty.
    """
    if image_BD.shape != report_BD.shape or len(image_BD) == 0:
        raise ValueError(
            "image_report_loss: expected one embedding of an image for each of a "
            f"report, found shapes {tuple(image_BD.shape)} and "
            f"{tuple(report_BD.shape)}; leave empty batches out"
        )
    logit_BB = similarity_logits(image_BD, report_BD, temperature=temperature)
    pair_B = torch.arange(len(logit_BB), device=logit_BB.device)
    return F.cross_entropy(logit_BB, pair_B) + F.cross_entropy(logit_BB.T, pair_B)
