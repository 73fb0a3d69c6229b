import json
import logging
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from asg_core.regions.backends.network import build_network
from asg_core.regions.backends.torchvision import TorchvisionDetector
from asg_core.regions.config import (
    ArchitectureConfig,
    Backbone,
    DetectorTrainingConfig,
)
from asg_core.regions.samples import Sample, make_training_set, read_samples
from asg_core.regions.train import make_schedule, train_detector, train_step
from support.drawn_regions import DrawnRegions

TINY = ArchitectureConfig(
    backbone=Backbone.RESNET10,
    strides=(16, 32),
    anchor_sizes=((0.3,), (0.5,)),
    anchor_ratios=(1.0, 1.6),
    pyramid_width=16,
    num_candidates=20,
    num_proposals=8,
    proposal_samples=16,
    box_samples=8,
    roi_size=3,
    head_width=16,
)
CONFIG = DetectorTrainingConfig(
    architecture=TINY, steps=6, batch_size=2, warmup=2, threads=1, checkpoint_every=2
)
STEADY = CONFIG.model_copy(
    update={
        "architecture": TINY.model_copy(update={"norm": "group", "box_samples": 16}),
        "steps": 20,
        "batch_size": 4,
        "learning_rate": 2e-3,
    }
)
"""Without the noise that batch statistics of two images bring."""


class StoppedError(Exception):
    """What a test throws in the middle of training."""


def _losses(
    drawn: DrawnRegions,
    folder: Path,
    *,
    config: DetectorTrainingConfig = CONFIG,
    stop_after: int | None = None,
) -> dict[int, dict[str, float]]:
    seen: dict[int, dict[str, float]] = {}

    def log(step: int, metrics: dict[str, float]) -> None:
        seen[step] = metrics
        if step == stop_after:
            raise StoppedError

    train_detector(
        cache=drawn.cache,
        boxes=drawn.boxes,
        out=folder / "out",
        work=folder / "work",
        config=config,
        log=log,
    )
    return seen


def test_the_loss_falls_and_the_result_says_what_it_is(
    drawn: DrawnRegions, tmp_path: Path
) -> None:
    seen = _losses(drawn, tmp_path, config=STEADY)

    assert list(seen) == list(range(20))
    assert sorted(seen[0]) == [
        "box_reg",
        "classifier",
        "grad_norm",
        "loss",
        "objectness",
        "rpn_box_reg",
    ]
    losses = [seen[step]["loss"] for step in range(20)]
    assert np.mean(losses[-4:]) < 0.9 * np.mean(losses[:2])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "model.safetensors",
        "run.json",
    ]
    run = json.loads((tmp_path / "out/run.json").read_text())
    assert (run["kind"], run["format"], run["size"]) == ("region_detector", 1, 64)
    assert (run["num_images"], run["num_boxes"]) == (8, 24)
    assert run["curve"][-1]["step"] == 20
    assert run["curve"][3]["loss"] == pytest.approx(losses[3])


def test_the_same_input_gives_the_same_bytes(
    drawn: DrawnRegions, tmp_path: Path
) -> None:
    _losses(drawn, tmp_path / "a")
    torch.rand(7)  # the global generator elsewhere plays no part
    _losses(drawn, tmp_path / "b")

    for name in ("model.safetensors", "run.json"):
        one = (tmp_path / "a/out" / name).read_bytes()
        assert one == (tmp_path / "b/out" / name).read_bytes()


@pytest.mark.parametrize("stop_after", [2, 3])
def test_a_stopped_run_goes_on_as_if_it_had_not_been(
    drawn: DrawnRegions, tmp_path: Path, stop_after: int
) -> None:
    undisturbed = _losses(drawn, tmp_path / "a")

    with pytest.raises(StoppedError):
        _losses(drawn, tmp_path / "b", stop_after=stop_after)
    assert not (tmp_path / "b/out").exists()
    torch.rand(3)
    rest = _losses(drawn, tmp_path / "b")

    # Checkpoints follow steps 1 and 3, and step 3 was logged before its own.
    assert list(rest) == [2, 3, 4, 5]
    assert rest == {step: undisturbed[step] for step in rest}
    for name in ("model.safetensors", "run.json"):
        one = (tmp_path / "a/out" / name).read_bytes()
        assert one == (tmp_path / "b/out" / name).read_bytes()


def test_a_finished_run_leaves_no_checkpoint_and_the_next_starts_anew(
    drawn: DrawnRegions, tmp_path: Path
) -> None:
    _losses(drawn, tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert list(_losses(drawn, tmp_path)) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("what", ["configuration", "boxes"])
def test_a_run_of_something_else_starts_anew_and_keeps_the_checkpoint(
    drawn: DrawnRegions, tmp_path: Path, what: str
) -> None:
    with pytest.raises(StoppedError):
        _losses(drawn, tmp_path, stop_after=3)
    config, boxes = CONFIG, drawn.boxes
    if what == "configuration":
        config = CONFIG.model_copy(update={"learning_rate": 2e-3})
    else:
        boxes = boxes.filter(pl.col("region") != "left lung")
    steps: list[int] = []

    train_detector(
        cache=drawn.cache,
        boxes=boxes,
        out=tmp_path / "other",
        work=tmp_path / "work",
        config=config,
        log=lambda step, _: steps.append(step),
    )
    rest = _losses(drawn, tmp_path)

    assert steps[0] == 0
    assert min(rest) > 0


def test_how_often_checkpoints_are_written_is_not_part_of_their_identity(
    drawn: DrawnRegions, tmp_path: Path
) -> None:
    with pytest.raises(StoppedError):
        _losses(drawn, tmp_path, stop_after=3)

    rest = _losses(
        drawn, tmp_path, config=CONFIG.model_copy(update={"checkpoint_every": 5})
    )

    assert list(rest) == [2, 3, 4, 5]


def test_norms_and_biases_do_not_decay_and_the_rate_is_that_of_the_step(
    drawn: DrawnRegions, tmp_path: Path
) -> None:
    with pytest.raises(StoppedError):
        _losses(drawn, tmp_path, stop_after=2)

    (path,) = (tmp_path / "work").glob("*/checkpoint.pt")
    state = torch.load(path, weights_only=True)
    decayed, kept = state["optimizer"]["param_groups"]
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.01, 0.0)
    # Two of the three steps up to the peak of 0.001 are done.
    assert decayed["lr"] == kept["lr"] == pytest.approx(2e-3 / 3)


def _network() -> TorchvisionDetector:
    torch.manual_seed(0)
    network = build_network("torchvision", TINY, size=64)
    assert isinstance(network, TorchvisionDetector)
    return network.train()


def _samples(drawn: DrawnRegions) -> list[Sample]:
    return read_samples(
        make_training_set(drawn.boxes, cache=drawn.cache),
        cache=drawn.cache,
        step=0,
        batch_size=2,
        seed=0,
        augmentation=CONFIG.augmentation,
    )


@pytest.mark.parametrize(
    ("precision", "expected"), [("bf16", torch.bfloat16), ("fp32", torch.float32)]
)
def test_a_step_has_the_precision_that_is_asked_for(
    drawn: DrawnRegions, precision: str, expected: torch.dtype
) -> None:
    network, seen = _network(), set[torch.dtype]()
    network.network.roi_heads.box_predictor.cls_score.register_forward_hook(
        lambda _, __, output: seen.add(output.dtype)
    )

    train_step(
        network,
        torch.optim.AdamW(network.parameters()),
        _samples(drawn),
        step=0,
        config=CONFIG.model_copy(update={"precision": precision}),
    )

    assert seen == {expected}


def test_gradients_are_scaled_down_to_the_limit(drawn: DrawnRegions) -> None:
    network = _network()

    metrics = train_step(
        network,
        torch.optim.AdamW(network.parameters()),
        _samples(drawn),
        step=0,
        config=CONFIG.model_copy(update={"max_grad_norm": 0.01}),
    )

    grads = [one.grad for one in network.parameters() if one.grad is not None]
    assert metrics["grad_norm"] > 0.01
    assert torch.nn.utils.get_total_norm(grads).item() == pytest.approx(0.01, rel=1e-3)


def test_which_boxes_teach_depends_on_the_seed_and_the_step(
    drawn: DrawnRegions,
) -> None:
    samples = _samples(drawn)
    losses = []
    for seed, step in ((0, 3), (0, 3), (0, 4), (1, 3)):
        network = _network()
        metrics = train_step(
            network,
            torch.optim.AdamW(network.parameters()),
            samples,
            step=step,
            config=CONFIG.model_copy(update={"seed": seed}),
        )
        losses.append(metrics["loss"])

    assert losses[0] == losses[1]
    assert len(set(losses)) == 3


def test_a_diverged_step_changes_no_weight(drawn: DrawnRegions) -> None:
    network = _network()
    with torch.no_grad():
        next(network.parameters()).fill_(float("nan"))
    optimizer = torch.optim.AdamW(network.parameters())
    before = [weight.clone() for weight in network.parameters()]
    samples = _samples(drawn)

    with pytest.raises(FloatingPointError, match="step 4: expected finite losses"):
        train_step(network, optimizer, samples, step=4, config=CONFIG)

    for weight, was in zip(network.parameters(), before, strict=True):
        torch.testing.assert_close(weight, was, equal_nan=True, rtol=0, atol=0)


def test_global_state_of_torch_is_left_as_it_was(
    drawn: DrawnRegions, tmp_path: Path
) -> None:
    torch.manual_seed(11)
    expected = torch.rand(4)

    torch.manual_seed(11)
    with pytest.raises(StoppedError):
        _losses(drawn, tmp_path, stop_after=0)

    assert torch.equal(torch.rand(4), expected)
    assert not torch.are_deterministic_algorithms_enabled()


def test_no_annotated_boxes_stop_before_any_work(
    drawn: DrawnRegions, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="expected annotated boxes of split 'train'"):
        train_detector(
            cache=drawn.cache,
            boxes=drawn.boxes.clear(),
            out=tmp_path / "out",
            work=tmp_path / "work",
            config=CONFIG,
        )
    assert list(tmp_path.iterdir()) == []


def test_bf16_learns_with_32_bit_weights(
    drawn: DrawnRegions, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        seen = _losses(
            drawn, tmp_path, config=STEADY.model_copy(update={"precision": "bf16"})
        )

    assert seen[19]["loss"] < 0.9 * seen[0]["loss"]
    assert "training resnet10 on 8 images, steps 0 to 20" in caplog.text


def test_the_rate_rises_then_falls_to_a_hundredth() -> None:
    config = CONFIG.model_copy(update={"steps": 103, "warmup": 3, "learning_rate": 4.0})

    rates = [make_schedule(config).rate(step) for step in (0, 1, 2, 3, 53)]

    assert rates == pytest.approx([1.0, 2.0, 3.0, 4.0, 0.5 * (4.0 + 0.04)])
    assert make_schedule(config).rate(102) == pytest.approx(0.04, rel=0.05)


@pytest.mark.gpu
def test_a_gpu_trains_and_resumes_too(drawn: DrawnRegions, tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"device": "cuda", "precision": "bf16"})

    with pytest.raises(StoppedError):
        _losses(drawn, tmp_path, config=config, stop_after=3)
    rest = _losses(drawn, tmp_path, config=config)

    assert list(rest) == [2, 3, 4, 5]
    assert (tmp_path / "out/run.json").exists()
