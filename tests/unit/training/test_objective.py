from dataclasses import replace

import pytest
import torch
from torch import nn

from asg_core.learning.processes import World
from asg_core.losses.image_report import image_report_loss
from asg_core.losses.region_sentence import region_sentence_loss
from asg_core.losses.soft_labels import diagonal_share, soft_label_loss
from asg_core.losses.tags import tag_loss
from asg_core.models.asg import AsgOutput
from asg_core.models.batch import PretrainBatch
from asg_core.training.config import LossesConfig
from asg_core.training.objective import (
    Objective,
    make_objective,
    mean_abs_logit,
    retrieval,
)
from support.small_models import small_batch

# Shape suffixes: B = images, D = width, F = findings, U = units


def test_weight_zero_leaves_a_loss_out() -> None:
    objective = Objective(config=LossesConfig(image_report=0, tags=0))
    image_BD = torch.nn.functional.normalize(torch.randn(4, 3), dim=-1)

    losses = objective.contrast(image_BD, image_BD, torch.zeros(4, 5))

    assert sorted(losses) == ["soft_labels"]
    assert objective.weights == {"region_sentence": 1.0, "soft_labels": 1.0}


def test_settings_reach_the_losses() -> None:
    torch.manual_seed(0)
    image_BD, report_BD = torch.nn.functional.normalize(torch.randn(2, 4, 3), dim=-1)
    tag_BF = (torch.rand(4, 5) < 0.5).float()
    config = LossesConfig(temperature=0.2, hard_weight=0.3, epsilon=1e-3)

    losses = Objective(config=config).contrast(image_BD, report_BD, tag_BF)

    assert losses["image_report"] == image_report_loss(
        image_BD, report_BD, temperature=0.2
    )
    assert losses["soft_labels"] == soft_label_loss(
        image_BD, report_BD, tag_BF, temperature=0.2, hard_weight=0.3, epsilon=1e-3
    )


def test_what_is_watched_is_32_bit_under_autocast() -> None:
    # 0.999 and 0.9995 are one number in bfloat16, and a tie finds nothing.
    image_BD = torch.eye(2)
    report_BD = torch.tensor([[0.9995, 0.999], [0.999, 0.9995]])
    is_unit_BU = torch.ones(1, 2, dtype=torch.bool)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = retrieval(image_BD, report_BD)
        scale = mean_abs_logit(
            image_BD[None], report_BD[None], is_unit_BU, temperature=1.0
        )

    assert found["retrieval_at_1"] == 1.0
    assert scale.item() == pytest.approx(0.99925, abs=1e-6)


def test_retrieval_by_hand() -> None:
    # Image 0 finds report 0; image 1 likes report 0 better, so does report 1 image 0.
    image_BD = torch.tensor([[1.0, 0.0], [0.8, 0.6]])
    report_BD = torch.tensor([[1.0, 0.0], [0.96, -0.28]])

    found = retrieval(image_BD, report_BD)

    # Images: 0 first, 1 second. Reports: 0 first, 1 second. Both among the first five.
    assert found["retrieval_at_1"] == 0.5
    assert found["retrieval_at_5"] == 1.0


def test_retrieval_is_the_mean_of_both_directions() -> None:
    # Image i and report j are as similar as row i and column j say.
    similarity_BB = torch.tensor([[3.0, 1.0, 0.0], [0.0, 2.0, 1.5], [4.0, 0.0, 1.0]])

    found = retrieval(torch.eye(3), similarity_BB.T)
    turned = retrieval(torch.eye(3), similarity_BB)

    # Of the images 0 and 1 find their report, of the reports only 1 its image.
    assert found["retrieval_at_1"].item() == pytest.approx((2 / 3 + 1 / 3) / 2)
    assert turned["retrieval_at_1"].item() == pytest.approx((2 / 3 + 1 / 3) / 2)


def test_a_counterpart_in_the_fifth_place_is_found_and_one_in_the_sixth_is_not() -> (
    None
):
    # Before the report of image i come i others, before the image of report j 6 - j.
    similarity_BB = 2 * torch.ones(7, 7).tril(-1) + torch.eye(7)

    found = retrieval(torch.eye(7), similarity_BB.T)

    assert found["retrieval_at_1"].item() == pytest.approx(1 / 7)
    assert found["retrieval_at_5"].item() == pytest.approx(5 / 7)


def _drawn_output(num_images: int) -> tuple[AsgOutput, PretrainBatch]:
    """Draw what a model says of a batch, and the batch: tags and units, some masked."""
    batch = small_batch(num_words=(3,) * num_images, num_units=(2,) * num_images)
    is_tag_BF = torch.rand(batch.tag_BF.shape) < 0.5
    unit_BUD = torch.randn(2, num_images, 2, 4)
    image_BD, report_BD = torch.nn.functional.normalize(
        torch.randn(2, num_images, 4), dim=-1
    )
    output = AsgOutput(
        image_BD=image_BD,
        report_BD=report_BD,
        is_unit_BU=batch.is_unit_BU,
        region_BUD=unit_BUD[0],
        sentence_BUD=unit_BUD[1],
        tag_logit_BF=torch.randn(batch.tag_BF.shape),
    )
    return output, replace(batch, is_tag_BF=is_tag_BF)


class Saying(nn.Module):
    """A model that says what it was told to say."""

    def __init__(self, output: AsgOutput) -> None:
        super().__init__()
        self.output = output

    def forward(self, batch: PretrainBatch, **_: bool) -> AsgOutput:
        return self.output


def test_all_rows_are_compared_and_only_own_rows_have_units_and_tags() -> None:
    torch.manual_seed(0)
    output, batch = _drawn_output(4)
    config = LossesConfig(temperature=0.2, hard_weight=0.3, epsilon=1e-3)
    wholes = (output.image_BD, output.report_BD, batch.tag_BF)

    def gather(rows: torch.Tensor) -> torch.Tensor:
        whole = next(one for one in wholes if torch.equal(one[: len(rows)], rows))
        return torch.cat([rows, whole[len(rows) :]])

    own = {name: getattr(output, name)[:2] for name in output.__dataclass_fields__}
    for name in ("image_BD", "report_BD"):
        own[name] = own[name].clone().requires_grad_()
    half = {name: getattr(batch, name)[:2] for name in batch.__dataclass_fields__}
    objective = Objective(config=config, gather=gather)

    found = objective.evaluate(Saying(AsgOutput(**own)), PretrainBatch(**half))

    pair = (output.image_BD, output.report_BD)
    assert found.losses == {
        "image_report": image_report_loss(*pair, temperature=0.2),
        "soft_labels": soft_label_loss(
            *pair, batch.tag_BF, temperature=0.2, hard_weight=0.3, epsilon=1e-3
        ),
        "region_sentence": region_sentence_loss(
            own["region_BUD"],
            own["sentence_BUD"],
            own["is_unit_BU"],
            temperature=0.2,
        ),
        "tags": tag_loss(
            own["tag_logit_BF"], half["tag_BF"], is_tag_BF=half["is_tag_BF"]
        ),
    }
    assert found.watched == retrieval(*pair) | {
        "region_logit_scale": mean_abs_logit(
            own["region_BUD"],
            own["sentence_BUD"],
            own["is_unit_BU"],
            temperature=0.2,
        ),
        "diagonal_share": diagonal_share(batch.tag_BF, hard_weight=0.3, epsilon=1e-3),
    }
    (found.losses["image_report"] + found.losses["soft_labels"]).backward()
    assert own["image_BD"].grad.abs().min() > 0
    assert own["report_BD"].grad.abs().min() > 0


def test_negatives_are_those_of_the_process_unless_global_ones_are_asked_for() -> None:
    class Doubled(World):
        def gather_rows(self, rows_B: torch.Tensor) -> torch.Tensor:
            return torch.cat([rows_B, rows_B])

    world = Doubled(rank=0, size=2, device=torch.device("cpu"))
    rows_B = torch.arange(3.0)

    local, wide = (
        make_objective(LossesConfig(negatives=which), world=world)
        for which in ("local", "global")
    )

    assert local.gather(rows_B).tolist() == [0, 1, 2]
    assert wide.gather(rows_B).tolist() == [0, 1, 2, 0, 1, 2]


def test_equal_embeddings_find_nothing() -> None:
    same_BD = torch.ones(8, 2)

    found = retrieval(same_BD, same_BD)

    assert found["retrieval_at_1"] == 0.0
    assert found["retrieval_at_5"] == 0.0


def test_the_logit_scale_is_over_pairs_of_units_of_one_image() -> None:
    region_BUD = torch.tensor([[[1.0], [2.0]], [[9.0], [9.0]]])
    sentence_BUD = torch.tensor([[[1.0], [-1.0]], [[9.0], [9.0]]])
    is_unit_BU = torch.tensor([[True, True], [False, False]])

    scale = mean_abs_logit(region_BUD, sentence_BUD, is_unit_BU, temperature=0.5)
    none = mean_abs_logit(
        region_BUD, sentence_BUD, torch.zeros(2, 2, dtype=torch.bool), temperature=0.5
    )

    assert scale == 3.0  # (1 + 1 + 2 + 2) / 4 / 0.5
    assert none == 0.0
