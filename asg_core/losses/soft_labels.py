"""ERL: images and reports that share tags are not told apart as if they had nothing."""

# Shape suffixes:
#   B = images of the batch, and their reports, D = embedding width, F = findings

import torch
from torch import Tensor

from asg_core.losses.logits import at_least_float32, similarity_logits


def soft_label_loss(
    image_BD: Tensor,
    report_BD: Tensor,
    tag_BF: Tensor,
    *,
    temperature: float,
    hard_weight: float,
    epsilon: float = 1e-6,
) -> Tensor:
    """Pull the image-report probabilities towards the similarity of the tags.

    Embeddings are used as they are. The definition, with `target` as `soft_targets` says:

        logit = [[dot(image[i], report[j]) / temperature for j in range(B)]
                 for i in range(B)]
        loss = 0
        for direction in (logit, transpose(logit)):
            for i in range(B):
                p, q = softmax(direction[i]), target[i]
                forward = sum(q[j] * (log(q[j]) - log(p[j])) for j in range(B))
                backward = sum(p[j] * (log(p[j]) - log(q[j])) for j in range(B))
                loss += (forward + backward) / 2
        loss = loss / B / 2

    The target depends on the batch: with B images it is a distribution over B reports,
    and the share of the own report falls as B grows (`diagonal_share`). `epsilon` is
    what probability on unrelated pairs costs, about -log(epsilon), so it is a real
    hyper-parameter. One pair gives zero.

    Args:
        image_BD: Embeddings of images.
        report_BD: Embeddings of reports; row i belongs to image i.
        tag_BF: 1 where a finding is present, 0 where not, or between.
        temperature: What similarities are divided by.
        hard_weight: Share of the identity in the target before rows are normalised.
        epsilon: Added to every entry of the target before rows are normalised.

    Returns:
        A scalar in 32 bit or more.

    Raises:
        ValueError: If the shapes do not belong together or the batch is empty.
    """
    same = image_BD.shape == report_BD.shape and len(image_BD) == len(tag_BF)
    if not same or len(image_BD) == 0:
        raise ValueError(
            "soft_label_loss: expected one embedding of an image, one of a report and "
            f"one row of tags for each pair, found shapes {tuple(image_BD.shape)}, "
            f"{tuple(report_BD.shape)} and {tuple(tag_BF.shape)}; leave empty batches out"
        )
    logit_BB = similarity_logits(image_BD, report_BD, temperature=temperature)
    target_BB = soft_targets(tag_BF, hard_weight=hard_weight, epsilon=epsilon)
    target_BB = target_BB.to(logit_BB.dtype)
    divergences = [
        _symmetric_divergence(direction_BB.log_softmax(1), target_BB)
        for direction_BB in (logit_BB, logit_BB.T)
    ]
    return torch.stack(divergences).mean()


def soft_targets(
    tag_BF: Tensor, *, hard_weight: float, epsilon: float = 1e-6
) -> Tensor:
    """Return the target distributions of ERL: (B, B), rows sum to 1.

    The definition, where `cosine` is 0 if either row of tags is all zero, a row with
    itself included:

        for i in range(B):
            for j in range(B):
                same = 1 if i == j else 0
                similar = cosine(tag[i], tag[j])
                q[i][j] = hard_weight * same + (1 - hard_weight) * similar + epsilon
            q[i] = [value / sum(q[i]) for value in q[i]]

    A report without any tag so keeps (almost) all of its target on itself.
    """
    with torch.autocast(tag_BF.device.type, enabled=False):
        tag_BF = at_least_float32(tag_BF)
        length_B1 = torch.linalg.vector_norm(tag_BF, dim=1, keepdim=True)
        unit_BF = tag_BF / length_B1.masked_fill(length_B1 == 0, 1)
        similar_BB = unit_BF @ unit_BF.T
    same_BB = torch.eye(len(tag_BF), dtype=tag_BF.dtype, device=tag_BF.device)
    target_BB: Tensor = hard_weight * same_BB + (1 - hard_weight) * similar_BB + epsilon
    return target_BB / target_BB.sum(1, keepdim=True)


def diagonal_share(
    tag_BF: Tensor, *, hard_weight: float, epsilon: float = 1e-6
) -> Tensor:
    """Return how much of the target lies on the own report, mean over the batch.

    A scalar in (0, 1]. It falls with the batch size, so runs of different batch sizes,
    or with local and global negatives, have different targets: log it.
    """
    target_BB = soft_targets(tag_BF, hard_weight=hard_weight, epsilon=epsilon)
    return target_BB.diagonal().mean()


def _symmetric_divergence(log_prob_BB: Tensor, target_BB: Tensor) -> Tensor:
    """Return the mean over rows of (KL(target || prob) + KL(prob || target)) / 2."""
    log_ratio_BB = target_BB.log() - log_prob_BB
    # KL(Q||P) + KL(P||Q) = sum of (Q - P) (log Q - log P).
    both_B = ((target_BB - log_prob_BB.exp()) * log_ratio_BB).sum(1)
    return both_B.mean() / 2
