from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score
from torch import Tensor, nn

from asg_core.data.batches import PretrainDataset
from asg_core.data.order import Visit
from asg_core.images.crop import CropDraw
from asg_core.images.pixel_cache import PixelCache
from asg_core.learning.optimizer import make_optimizer
from asg_core.learning.processes import World
from asg_core.models.asg import AsgModel
from asg_core.models.batch import PretrainBatch
from asg_core.settings import Precision
from asg_core.terms.findings import FINDINGS
from asg_core.training.config import LossesConfig
from asg_core.training.job import PretrainJob
from asg_core.training.objective import Objective, make_objective
from asg_core.training.prepare import make_model, read_corpora
from asg_core.training.progress import RunProgress
from asg_core.training.step import StepResult, train_step
from asg_core.training.validate import mean_average_precision, validate
from support.small_corpus import SIZE

WORLD = World(rank=0, size=1, device=torch.device("cpu"))


@pytest.fixture
def model(small_job: PretrainJob) -> AsgModel:
    with torch.random.fork_rng([]):
        return make_model(small_job)


@pytest.fixture(scope="module")
def dataset(small_job: PretrainJob) -> PretrainDataset:
    cache = PixelCache(small_job.pixels)
    corpora = read_corpora(small_job, cache=cache)
    crop = CropDraw(resize=SIZE, size=24)
    return PretrainDataset(corpora.validate, cache=cache, crop=crop, seed=None)


@pytest.fixture
def batch(dataset: PretrainDataset) -> PretrainBatch:
    return dataset[[Visit(0, position) for position in range(4)]]


def _step(
    model: AsgModel,
    batch: PretrainBatch,
    *,
    step: int = 3,
    rate: float = 1e-3,
    max_grad_norm: float | None = None,
    is_stop_asked: bool = False,
    seed: int = 5,
    world: World = WORLD,
    precision: Precision = "fp32",
) -> StepResult:
    return train_step(
        model.train(),
        make_optimizer(model, learning_rate=rate, weight_decay=0.05),
        batch,
        objective=Objective(config=LossesConfig()),
        world=world,
        step=step,
        seed=seed,
        rate=rate,
        max_grad_norm=max_grad_norm,
        precision=precision,
        is_stop_asked=is_stop_asked,
    )


def test_a_step_says_what_it_did(model: AsgModel, batch: PretrainBatch) -> None:
    before = [weight.clone() for weight in model.parameters()]

    result = _step(model, batch)

    metrics = result.metrics
    assert metrics["learning_rate"] == 1e-3
    assert metrics["loss"] == pytest.approx(
        metrics["image_report"]
        + metrics["region_sentence"]
        + 5 * metrics["tags"]
        + metrics["soft_labels"],
        rel=1e-5,
    )
    assert metrics["grad_norm"] > 0
    assert not result.is_stop_asked
    changed = [
        not torch.equal(old, new)
        for old, new in zip(before, model.parameters(), strict=True)
        if new.requires_grad
    ]
    assert np.mean(changed) > 0.9


def test_a_diverged_step_changes_no_weight_and_names_the_term(
    model: AsgModel, batch: PretrainBatch
) -> None:
    with torch.no_grad():
        model.tag_decoder.answer.bias.fill_(float("nan"))
    before = [weight.clone() for weight in model.parameters()]

    with pytest.raises(
        FloatingPointError, match=r"step 3: .* found loss, tags, grad_norm"
    ):
        _step(model, batch)

    for weight, was in zip(model.parameters(), before, strict=True):
        torch.testing.assert_close(weight, was, equal_nan=True, rtol=0, atol=0)


class OnlyOne(World):
    """One process of several that hears nothing of the others."""

    def mean(self, values: Tensor) -> Tensor:
        return values


def test_dropout_depends_on_seed_step_and_process_only(
    small_job: PretrainJob, batch: PretrainBatch
) -> None:
    second = OnlyOne(rank=1, size=2, device=WORLD.device)
    losses = []
    for seed, step, world in (
        (5, 3, WORLD),
        (5, 3, WORLD),
        (5, 4, WORLD),
        (6, 3, WORLD),
        (5, 3, second),
    ):
        with torch.random.fork_rng([]):
            model = make_model(small_job)
            result = _step(model, batch, seed=seed, step=step, world=world)
            losses.append(result.metrics["loss"])

    assert losses[0] == losses[1]
    assert len(set(losses)) == 4


@pytest.mark.parametrize(
    ("precision", "expected"), [("bf16", torch.bfloat16), ("fp32", torch.float32)]
)
def test_the_forward_pass_has_the_precision_that_is_asked_for(
    model: AsgModel,
    batch: PretrainBatch,
    dataset: PretrainDataset,
    precision: Precision,
    expected: torch.dtype,
) -> None:
    seen: list[torch.dtype] = []
    model.image_head.hidden.register_forward_hook(
        lambda _, __, output: seen.append(output.dtype)
    )

    _step(model, batch, precision=precision)
    _validate(model, dataset, batch_size=8, precision=precision)

    assert seen == [expected, expected]


def test_gradients_are_scaled_down_to_the_limit(
    model: AsgModel, batch: PretrainBatch
) -> None:
    result = _step(model, batch, max_grad_norm=0.01)

    grads = [weight.grad for weight in model.parameters() if weight.grad is not None]
    assert result.metrics["grad_norm"] > 0.01
    assert torch.nn.utils.get_total_norm(grads).item() == pytest.approx(0.01, rel=1e-3)


def test_a_request_to_stop_is_passed_on(model: AsgModel, batch: PretrainBatch) -> None:
    assert _step(model, batch, is_stop_asked=True).is_stop_asked


def _validate(
    model: AsgModel,
    dataset: PretrainDataset,
    *,
    batch_size: int,
    world: World = WORLD,
    precision: Precision = "fp32",
) -> dict[str, float]:
    return validate(
        model,
        dataset,
        objective=make_objective(LossesConfig(negatives="global"), world=world),
        world=world,
        batch_size=batch_size,
        precision=precision,
    )


def test_losses_of_validation_are_means_over_whole_batches(
    model: AsgModel, dataset: PretrainDataset
) -> None:
    found = _validate(model, dataset, batch_size=3)

    assert len(dataset) == 8
    objective = Objective(config=LossesConfig())
    expected = []
    with torch.no_grad():
        for start in (0, 3):
            part = dataset[[Visit(0, start + offset) for offset in range(3)]]
            expected.append(
                objective.evaluate(model, part).losses["image_report"].item()
            )
    assert found["validate/image_report"] == pytest.approx(np.mean(expected))
    assert not model.training


def test_a_split_smaller_than_a_batch_is_one_batch(
    model: AsgModel, dataset: PretrainDataset
) -> None:
    assert _validate(model, dataset, batch_size=50) == _validate(
        model, dataset, batch_size=8
    )


def test_validation_leaves_weights_and_statistics_alone(
    model: AsgModel, dataset: PretrainDataset
) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}

    _validate(model, dataset, batch_size=4)

    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


class Tagged(PretrainDataset):
    """The images of a dataset with drawn tags, a third of which take no part."""

    def __init__(self, dataset: PretrainDataset) -> None:
        self._dataset = dataset
        rng = np.random.default_rng(3)
        shape = (len(dataset), len(FINDINGS))
        self.tag_NF = (rng.random(shape) < 0.5).astype(np.float32)
        self.is_tag_NF = rng.random(shape) > 1 / 3

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, draws: Sequence[Visit]) -> PretrainBatch:
        at = [draw.position for draw in draws]
        return replace(
            self._dataset[draws],
            tag_BF=torch.from_numpy(self.tag_NF[at]),
            is_tag_BF=torch.from_numpy(self.is_tag_NF[at]),
        )


def test_the_tag_map_is_over_all_images_and_the_tags_that_count(
    model: AsgModel, dataset: PretrainDataset
) -> None:
    tagged = Tagged(dataset)

    found = _validate(model, tagged, batch_size=3)

    everything = tagged[[Visit(0, position) for position in range(len(tagged))]]
    with torch.no_grad():
        logit_NF = model.tag_logits(everything.image_BSS).numpy()
    values = []
    for finding in range(len(FINDINGS)):
        counts = tagged.is_tag_NF[:, finding]
        truth = tagged.tag_NF[counts, finding]
        if 0 < truth.sum() < len(truth):
            values.append(average_precision_score(truth, logit_NF[counts, finding]))
    assert len(values) > 10
    assert found["validate/tag_map"] == pytest.approx(np.mean(values), abs=1e-6)


def test_validation_in_two_processes_is_that_of_one(
    small_job: PretrainJob, dataset: PretrainDataset
) -> None:
    """Two processes one after the other: each says what the other would have heard."""
    told: dict[int, list[Any]] = {}

    class OneOfTwo(World):
        def collect(self, item: Any) -> list[Any]:  # noqa: ANN401
            told[self.rank] = item
            return [told.get(rank, []) for rank in range(2)]

        def share_buffers(self, model: nn.Module) -> None:
            for buffer, first in zip(model.buffers(), models[0].buffers(), strict=True):
                buffer.copy_(first)

    models = []
    for rank in range(2):
        with torch.random.fork_rng([]):
            models.append(make_model(small_job))
        # Each has learned the statistics of its own images.
        models[rank].state_dict()["image_head.out_norm.running_mean"].add_(rank)
    tagged = Tagged(dataset)
    alone = _validate(models[0], tagged, batch_size=3)

    for rank in (1, 0):
        world = OneOfTwo(rank=rank, size=2, device=WORLD.device)
        found = _validate(models[rank], tagged, batch_size=3, world=world)

    assert found == pytest.approx(alone, rel=1e-6)


def test_mean_average_precision_by_hand() -> None:
    # The 9 of the second tag is masked: it would come before its only positive.
    score_NF = np.array([[3, 1, 1, 9], [2, 9, 1, 1], [1, 3, 1, 5]], dtype=np.float32)
    target_NF = np.array([[0, 0, 1, 1], [1, 0, 1, 0], [1, 1, 1, 0.5]], dtype=np.float32)
    is_target_NF = np.ones((3, 4), dtype=np.bool_)
    is_target_NF[1, 1] = False

    found = mean_average_precision(score_NF, target_NF, is_target_NF)

    # First: positives at ranks 2 and 3 -> (1/2 + 2/3) / 2. Second: 1. Third has no
    # negative. Fourth: the half target takes no part -> 1.
    assert found == pytest.approx((7 / 12 + 1 + 1) / 3)
    assert mean_average_precision(score_NF, target_NF * 0, is_target_NF) is None


def test_points_are_means_and_patience_counts_what_is_worse() -> None:
    progress = RunProgress(step=4)
    progress.pending = [{"loss": 1.0}, {"loss": 2.0}]

    assert progress.mean_of_pending() == {"train/loss": 1.5}
    assert progress.mean_of_pending() == {}
    assert progress.history().rows() == [(4, "train/loss", 1.5)]
    judged = [
        progress.judge(loss, is_warm=warm)
        for loss, warm in (
            (3.0, False),
            (4.0, False),
            (2.0, True),
            (2.0, True),
            (2.5, True),
        )
    ]
    assert judged == [True, False, True, False, False]
    assert (progress.num_worse, progress.best_loss) == (2, 2.0)


def test_a_batch_with_all_tags_zero_trains(
    model: AsgModel, batch: PretrainBatch
) -> None:
    absent = replace(batch, tag_BF=torch.zeros_like(batch.tag_BF))
    silent = replace(absent, is_tag_BF=torch.zeros_like(batch.is_tag_BF))

    metrics, without = _step(model, absent).metrics, _step(model, silent).metrics

    assert metrics["diagonal_share"] == pytest.approx(1.0, abs=1e-4)
    assert metrics["tags"] > 0
    assert without["tags"] == 0.0
    assert np.isfinite([metrics["grad_norm"], without["grad_norm"]]).all()


def test_a_batch_without_any_unit_trains(model: AsgModel, batch: PretrainBatch) -> None:
    empty = replace(
        batch,
        is_unit_BU=torch.zeros_like(batch.is_unit_BU),
        unit_words_BUW=torch.zeros_like(batch.unit_words_BUW),
    )

    metrics = _step(model, empty).metrics

    assert metrics["region_sentence"] == 0.0
    assert np.isfinite(metrics["grad_norm"])
