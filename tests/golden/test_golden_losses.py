"""The forward pass of the authors' released code on vectors that a formula makes.

The expected numbers were made with their code and stub encoders, and reproduced by an
independent version in 64 bit.
"""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from asg_core.losses.image_report import image_report_loss
from asg_core.losses.region_sentence import region_sentence_loss
from asg_core.losses.soft_labels import soft_label_loss
from asg_core.losses.tags import tag_loss
from asg_core.models.roi_align import roi_weights

GRID = (14, 14)
BOXES = (
    ((1, 1.5, 6, 7.25), (7, 2, 13, 8), (4, 6, 10.5, 12)),
    ((0, 0, 14, 14),),
    ((2.2, 3.1, 2.9, 3.6), (9, 9, 13.9, 13.5)),
    (),
)
"""In cells of the grid."""

WORDS = (
    (range(5), range(5, 12), (*range(12, 20), *range(24, 30))),
    (range(9),),
    ((3,), range(4, 30)),
    (),
)
TAGS = ((0, 1), (1, 4, 9), (), (0,))


def _wave(*shape: int, k: float) -> Tensor:
    """Return sin(k (n + 1)) at flat position n."""
    count = torch.Size(shape).numel()
    phase = k * torch.arange(1, count + 1, dtype=torch.float64)
    return phase.sin().float().reshape(shape)


def _region_sentence(maps: tuple[int, ...], *, aligned: bool) -> Tensor:
    """Return ARSA where the boxes of image i read the map of image maps[i]."""
    patches_BPD = F.normalize(_wave(4, 196, 128, k=0.0113), dim=-1)
    words_BWD = F.normalize(_wave(4, 111, 128, k=0.0171), dim=-1)
    boxes_BU4 = torch.zeros(4, 3, 4)
    unit_words_BUW = torch.zeros(4, 3, 111)
    is_unit_BU = torch.zeros(4, 3, dtype=torch.bool)
    for image, (boxes, units) in enumerate(zip(BOXES, WORDS, strict=True)):
        for unit, (box, words) in enumerate(zip(boxes, units, strict=True)):
            boxes_BU4[image, unit] = torch.tensor(box)
            unit_words_BUW[image, unit, list(words)] = 1 / len(words)
            is_unit_BU[image, unit] = True
    weights_BUP = roi_weights(boxes_BU4, size=14, grid=GRID, aligned=aligned)
    return region_sentence_loss(
        weights_BUP @ patches_BPD[list(maps)],
        unit_words_BUW @ words_BWD,
        is_unit_BU,
        temperature=0.07,
    )


def test_the_four_losses_and_their_sum_are_those_of_the_released_code() -> None:
    image_BD = F.normalize(_wave(4, 128, k=0.37), dim=-1)
    report_BD = F.normalize(_wave(4, 128, k=0.53), dim=-1)
    tag_BF = torch.zeros(4, 40)
    for image, findings in enumerate(TAGS):
        tag_BF[image, list(findings)] = 1

    ira = image_report_loss(image_BD, report_BD, temperature=0.07)
    arsa = _region_sentence((0, 1, 2, 3), aligned=False)
    irl = tag_loss(_wave(4, 40, k=0.9), tag_BF)
    erl = soft_label_loss(
        image_BD, report_BD, tag_BF, temperature=0.07, hard_weight=0.8
    )

    assert ira.item() == pytest.approx(3.285717, abs=1e-5)
    assert arsa.item() == pytest.approx(1.382804, abs=1e-5)
    assert irl.item() == pytest.approx(0.729208, abs=1e-5)
    assert erl.item() == pytest.approx(4.509768, abs=1e-5)
    assert (ira + arsa + 5 * irl + erl).item() == pytest.approx(12.824330, abs=2e-5)


def test_boxes_that_read_the_map_of_another_image() -> None:
    arsa = _region_sentence((2, 0, 3, 1), aligned=False)

    assert arsa.item() == pytest.approx(2.227487, abs=1e-5)


def test_boxes_that_are_not_half_a_cell_off() -> None:
    arsa = _region_sentence((0, 1, 2, 3), aligned=True)

    assert arsa.item() == pytest.approx(1.343740, abs=1e-5)
