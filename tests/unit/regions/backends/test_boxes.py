import pytest
import torch
from torch import Tensor
from torchvision.ops import box_iou

from asg_core.regions.backends.boxes import best_boxes


def _best_by_the_docstring(
    score_PR: Tensor, boxes_PR4: Tensor, vote_overlap: float
) -> tuple[list[Tensor], list[float]]:
    boxes, scores = [], []
    for region in range(score_PR.shape[1]):
        best = max(range(len(score_PR)), key=lambda p: float(score_PR[p, region]))
        total, weights = torch.zeros(4), 0.0
        for proposal in range(len(score_PR)):
            pair = boxes_PR4[[best, proposal], region]
            if float(box_iou(pair[:1], pair[1:])) >= vote_overlap or proposal == best:
                weight = float(score_PR[proposal, region])
                total += weight * boxes_PR4[proposal, region]
                weights += weight
        boxes.append(total / weights)
        scores.append(float(score_PR[best, region]))
    return boxes, scores


@pytest.mark.parametrize("vote_overlap", [0.2, 0.6, 1.0])
def test_the_best_boxes_are_those_of_the_loop_in_the_docstring(
    vote_overlap: float,
) -> None:
    generator = torch.Generator().manual_seed(3)
    score_PR = torch.rand(7, 5, generator=generator)
    corner_PR2 = torch.rand(7, 5, 2, generator=generator) * 10
    boxes_PR4 = torch.cat([corner_PR2, corner_PR2 + 20], dim=2)

    boxes_R4, score_R = best_boxes(score_PR, boxes_PR4, vote_overlap=vote_overlap)

    boxes, scores = _best_by_the_docstring(score_PR, boxes_PR4, vote_overlap)
    torch.testing.assert_close(boxes_R4, torch.stack(boxes))
    torch.testing.assert_close(score_R, torch.tensor(scores))


def test_votes_are_weighted_by_score_and_far_boxes_have_none() -> None:
    boxes_PR4 = torch.tensor(
        [[[0.0, 0.0, 10.0, 10.0]], [[0.0, 0.0, 10.0, 12.0]], [[50.0, 50.0, 60.0, 60.0]]]
    )
    score_PR = torch.tensor([[0.6], [0.2], [0.5]])

    boxes_R4, score_R = best_boxes(score_PR, boxes_PR4, vote_overlap=0.5)

    # By hand: the lower edge is at 6.0 + 2.4 over 0.8.
    torch.testing.assert_close(boxes_R4, torch.tensor([[0.0, 0.0, 10.0, 10.5]]))
    torch.testing.assert_close(score_R, torch.tensor([0.6]))


def test_a_box_of_just_the_overlap_votes() -> None:
    boxes_PR4 = torch.tensor([[[0.0, 0.0, 10.0, 10.0]], [[0.0, 0.0, 10.0, 20.0]]])

    boxes_R4, _ = best_boxes(torch.tensor([[0.6], [0.2]]), boxes_PR4, vote_overlap=0.5)

    torch.testing.assert_close(boxes_R4, torch.tensor([[0.0, 0.0, 10.0, 12.5]]))


def test_no_proposals_and_no_scores_are_no_detection() -> None:
    boxes_R4, score_R = best_boxes(
        torch.zeros(0, 29), torch.zeros(0, 29, 4), vote_overlap=0.6
    )
    assert score_R.tolist() == [0.0] * 29
    assert boxes_R4.shape == (29, 4)

    boxes_R4, _ = best_boxes(torch.zeros(2, 3), torch.ones(2, 3, 4), vote_overlap=0.6)
    assert torch.isfinite(boxes_R4).all()
