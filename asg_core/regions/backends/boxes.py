"""What a network is taught and what it says: at most one box per region and image."""

# Shape suffixes:
#   B = images, P = proposals of one image, R = regions, L = labelled boxes of one image
#   4 = x0 y0 x1 y1 in pixels of the model frame

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.ops import box_iou


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledBoxes:
    """The boxes to learn in one image."""

    boxes_L4: Tensor
    region_L: Tensor
    """0-based indices of `terms.regions.REGIONS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detections:
    """The best box of every region in every image."""

    boxes_BR4: Tensor
    score_BR: Tensor
    """In [0, 1]; 0 where the network proposed nothing at all."""


def best_boxes(
    score_PR: Tensor, boxes_PR4: Tensor, *, vote_overlap: float
) -> tuple[Tensor, Tensor]:
    """Return the box (R, 4) and the score (R,) of every region in one image.

    It is what this loop makes of the scores and boxes that the network proposes:

        best = the proposal with the greatest score for the region
        voters = proposals whose box has IoU >= vote_overlap with the box of best
        box = mean of the voters' boxes, weighted by their scores
        score = score of best

    Without any proposal all scores and corners are 0.
    """
    num_regions = score_PR.shape[1]
    if len(score_PR) == 0:
        return boxes_PR4.new_zeros(num_regions, 4), score_PR.new_zeros(num_regions)
    score_R, best_R = score_PR.max(dim=0)
    region_R = torch.arange(num_regions, device=best_R.device)
    best_R4 = boxes_PR4[best_R, region_R]
    overlap_RP = torch.stack(
        [
            box_iou(best_R4[region : region + 1], boxes_PR4[:, region])[0]
            for region in range(num_regions)
        ]
    )
    is_voter_RP = overlap_RP >= vote_overlap
    is_voter_RP[region_R, best_R] = True  # an empty box has IoU 0 with itself
    weight_RP = torch.where(is_voter_RP, score_PR.T, 0)
    weight_RP[region_R, best_R] += torch.finfo(weight_RP.dtype).tiny
    mean_R4 = torch.einsum("rp,prc->rc", weight_RP, boxes_PR4)
    return mean_R4 / weight_RP.sum(dim=1, keepdim=True), score_R
