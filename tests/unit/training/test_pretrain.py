import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import timm
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

from asg_core.data.make_corpora import Corpora
from asg_core.images.pixel_cache import PixelCache
from asg_core.images.pixel_layout import PixelRow, write_pixels
from asg_core.models.checkpoint import load_model
from asg_core.tables.catalog import HISTORY, STUDIES
from asg_core.tables.schema import read_table, write_table
from asg_core.training.job import PretrainJob
from asg_core.training.prepare import make_model
from asg_core.training.pretrain import pretrain
from support.small_run import SETTINGS

MakeJob = Callable[..., PretrainJob]


class StoppedError(Exception):
    """What a test throws in the middle of a run."""


def _run(
    job: PretrainJob, *, stop_after: int | None = None
) -> dict[int, dict[str, float]]:
    """Run `job`; return its metrics by step, or fail after a step as a kill would."""
    seen: dict[int, dict[str, float]] = {}

    def log(step: int, metrics: dict[str, float]) -> None:
        seen.setdefault(step, {}).update(metrics)
        if step == stop_after:
            raise StoppedError

    pretrain(job, log=log)
    return seen


def _without_times(seen: dict[int, dict[str, float]]) -> dict[int, dict[str, float]]:
    times = ("train/images_per_second", "train/data_wait_share")
    return {
        step: {name: value for name, value in metrics.items() if name not in times}
        for step, metrics in seen.items()
    }


def test_the_scaling_of_the_crop_is_that_of_the_configuration(
    make_job: MakeJob,
) -> None:
    crop = {"resize": 24, "resample": "area"}
    job = make_job(epochs=1, crop=crop)
    other = make_job(epochs=1, crop=crop | {"resample": "bilinear"}, name="other")

    of_area, of_bilinear = (_without_times(_run(each)) for each in (job, other))

    assert of_area.keys() == of_bilinear.keys()
    assert of_area != of_bilinear


def test_a_run_learns_and_leaves_a_whole_folder(make_job: MakeJob) -> None:
    job = make_job(epochs=20, patience=None)

    seen = _run(job)

    assert sorted(path.name for path in job.out.iterdir()) == [
        "history.parquet",
        "image_encoder",
        "model.safetensors",
        "run.json",
        "text_encoder",
        "tokenizer.json",
    ]
    assert not job.work.exists()
    history = read_table(job.out / "history.parquet", schema=HISTORY)
    curve = history.filter(pl.col("metric") == "train/loss")["value"].to_list()
    assert np.mean(curve[-3:]) < 0.8 * np.mean(curve[:3])
    assert set(history["metric"]) == {
        *(f"train/{name}" for name in ("grad_norm", "learning_rate")),
        *(
            f"{split}/{name}"
            for split in ("train", "validate")
            for name in (
                "loss",
                "image_report",
                "region_sentence",
                "tags",
                "soft_labels",
                "retrieval_at_1",
                "retrieval_at_5",
                "region_logit_scale",
                "diagonal_share",
            )
        ),
        "validate/tag_map",
    }
    assert seen[2].keys() - set(history["metric"]) == {
        "train/images_per_second",
        "train/data_wait_share",
    }


def test_the_description_says_what_the_run_is(make_job: MakeJob) -> None:
    job = make_job()

    _run(job)

    run = json.loads((job.out / "run.json").read_text())
    assert (run["kind"], run["format"], run["run"]) == ("asg_model", 1, "small")
    assert run["crop"] == {"resize": 32, "size": 24}
    assert (run["num_images"], run["num_studies"], run["num_units"]) == (16, 16, 64)
    assert (run["steps"], run["steps_planned"]) == (9, 9)
    assert run["best_step"] in (3, 6, 9)
    assert run["settings"]["batch_size"] == 5
    assert 100 < run["vocabulary_size"] <= 120
    assert run["seconds"] > 0
    assert run["throughput"]["images_per_second"] > 0
    assert "torch" in run["versions"]
    assert len(run["trained_patients_digest"]) == 16


def test_what_is_exported_is_what_was_trained(make_job: MakeJob) -> None:
    job = make_job(max_steps=2)

    _run(job)

    model = load_model(job.out)
    image = torch.randint(0, 256, (2, 24, 24), dtype=torch.uint8)
    network: Any = timm.create_model(
        f"local-dir:{job.out / 'image_encoder'}", pretrained=True
    )
    grey = (image[:, None].float() / 255 - 0.5) / 0.5
    patches = network.eval().forward_features(grey)[:, 1:]
    torch.testing.assert_close(model.image_encoder(image).patches_BPE, patches)
    folder = job.out / "text_encoder"
    text = AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()
    encoded = AutoTokenizer.from_pretrained(folder)(["no opacity"], return_tensors="pt")
    hidden = text(**encoded).last_hidden_state
    pieces = encoded["input_ids"]
    torch.testing.assert_close(
        model.text_encoder(pieces, torch.ones_like(pieces).bool()), hidden
    )


def test_the_same_input_gives_the_same_bytes(make_job: MakeJob) -> None:
    one, two = make_job("a"), make_job("b")

    first = _run(one)
    torch.rand(7)  # the global generator elsewhere plays no part
    second = _run(two)

    assert _without_times(first) == _without_times(second)
    for name in ("model.safetensors", "history.parquet", "tokenizer.json"):
        assert (one.out / name).read_bytes() == (two.out / name).read_bytes()


@pytest.mark.parametrize("stop_after", [2, 3, 6, 8])
def test_a_stopped_run_goes_on_as_if_it_had_not_been(
    make_job: MakeJob, stop_after: int
) -> None:
    undisturbed, job = make_job("a"), make_job("b")
    expected = _run(undisturbed)

    with pytest.raises(StoppedError):
        _run(job, stop_after=stop_after)
    assert not job.out.exists()
    torch.rand(3)
    rest = _without_times(_run(job))

    whole = _without_times(expected)
    assert rest == {step: whole[step] for step in rest}
    assert 9 in rest
    for name in ("model.safetensors", "history.parquet"):
        assert (undisturbed.out / name).read_bytes() == (job.out / name).read_bytes()


def test_a_run_of_other_settings_starts_anew_and_keeps_the_checkpoint(
    make_job: MakeJob, tmp_path: Path
) -> None:
    with pytest.raises(StoppedError):
        _run(make_job(), stop_after=6)

    other = _run(make_job(seed=8, patience=None))
    rest = _run(make_job(checkpoint_every=50, log_every=3))

    assert min(other) == 2
    assert min(rest) > 2
    assert not (tmp_path / "run/work").exists()


def test_a_run_on_other_pixels_starts_anew(make_job: MakeJob, tmp_path: Path) -> None:
    job = make_job()
    with pytest.raises(StoppedError):
        _run(job, stop_after=6)
    cache = PixelCache(job.pixels)
    write_pixels(
        (
            PixelRow(
                image_id=image_id,
                original=cache.frame(image_id),
                pixels_SS=255 - cache.read([image_id])[0],
            )
            for image_id in cache.image_ids
        ),
        path=tmp_path / "inverted.parquet",
        size=cache.size,
    )

    seen = _run(job.model_copy(update={"pixels": (tmp_path / "inverted.parquet",)}))

    assert min(seen) == 2


def test_a_damaged_checkpoint_is_refused(make_job: MakeJob) -> None:
    job = make_job()
    with pytest.raises(StoppedError):
        _run(job, stop_after=6)
    (path,) = job.work.glob("*/checkpoint.pt")
    path.write_bytes(path.read_bytes()[:1000])

    with pytest.raises(ValueError, match=r"found a file that cannot be read.* Delete"):
        _run(job)


def test_the_best_weights_are_kept_and_training_ends_early(make_job: MakeJob) -> None:
    optimizer = {"learning_rate": 1.0, "warmup_share": 0.0, "min_learning_rate": 1.0}
    job = make_job(epochs=30, patience=2, optimizer=optimizer)

    seen = _run(job)

    run = json.loads((job.out / "run.json").read_text())
    losses = {
        step: metrics["validate/loss"]
        for step, metrics in seen.items()
        if "validate/loss" in metrics
    }
    best = min(losses, key=lambda step: losses[step])
    assert run["best_step"] == best
    assert run["steps"] == best + 2 * 3 == max(seen) < 90
    assert run["best_validation_loss"] == losses[best]


def test_the_last_weights_are_kept_where_the_settings_say_so(
    make_job: MakeJob,
) -> None:
    optimizer = {"learning_rate": 1.0, "warmup_share": 0.0, "min_learning_rate": 1.0}
    jobs = {
        keep: make_job(epochs=30, patience=2, optimizer=optimizer, keep=keep)
        for keep in ("best", "last")
    }

    weights, runs = {}, {}
    for keep, job in jobs.items():
        own = job.model_copy(update={"out": job.out / keep, "work": job.work / keep})
        _run(own)
        weights[keep] = load_file(own.out / "model.safetensors")
        runs[keep] = json.loads((own.out / "run.json").read_text())

    assert runs["best"]["kept_step"] == runs["best"]["best_step"]
    assert runs["last"]["kept_step"] == runs["last"]["steps"]
    assert runs["last"]["steps"] == runs["best"]["steps"] > runs["best"]["kept_step"]
    assert any(
        not torch.equal(value, weights["last"][name])
        for name, value in weights["best"].items()
    )


def test_every_step_has_its_rate_and_the_weights_their_decay(
    make_job: MakeJob,
) -> None:
    optimizer = {
        "learning_rate": 4e-3,
        "min_learning_rate": 1e-3,
        "warmup_share": 0.4,
        "weight_decay": 0.3,
        "decay_everything": False,
    }
    job = make_job(log_every=1, checkpoint_every=1, optimizer=optimizer)
    rates: list[float] = []

    def log(step: int, metrics: dict[str, float]) -> None:
        if "train/learning_rate" in metrics:
            rates.append(metrics["train/learning_rate"])
        if step == 9:
            raise StoppedError

    with pytest.raises(StoppedError):
        pretrain(job, log=log)

    # 3 of the 9 steps rise from 1 to 4, and the fifth after them has 1 again.
    falling = [2.5 + 1.5 * np.cos(np.pi * step / 5) for step in range(1, 6)]
    assert rates == pytest.approx(
        [rate / 1000 for rate in (1, 2, 3, 4, *falling)], rel=1e-6
    )
    (path,) = job.work.glob("*/checkpoint.pt")
    state = torch.load(path, weights_only=True)
    decayed, kept = state["optimizer"]["param_groups"]
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.3, 0.0)
    assert state["progress"]["step"] == 8


def test_the_limit_of_the_gradients_is_that_of_the_settings(make_job: MakeJob) -> None:
    # Below its epsilon of 1e-8 AdamW hardly follows a gradient.
    optimizer = {"learning_rate": 1e-2, "weight_decay": 0, "warmup_share": 0}
    free = make_job("free", max_steps=1, optimizer=optimizer)
    held = make_job("held", max_steps=1, optimizer=optimizer | {"max_grad_norm": 1e-12})
    moved = []

    for job in (free, held):
        _run(job)
        after = dict(load_model(job.out).named_parameters())
        with torch.random.fork_rng([]):
            before = dict(make_model(job).named_parameters())
        moved.append(
            max(
                (after[name] - before[name]).detach().abs().max().item()
                for name in before
            )
        )

    assert moved[0] == pytest.approx(1e-2, rel=0.01)
    assert moved[1] < 1e-5


def test_patience_begins_after_the_warm_up(make_job: MakeJob) -> None:
    optimizer = {"learning_rate": 1.0, "warmup_share": 0.5, "min_learning_rate": 1.0}
    job = make_job(epochs=10, patience=1, optimizer=optimizer)

    seen = _run(job)

    assert max(seen) > 15


def test_the_end_of_max_steps_is_validated_once(make_job: MakeJob) -> None:
    seen = _run(make_job(max_steps=4))

    assert [step for step in seen if "validate/loss" in seen[step]] == [3, 4]
    assert max(seen) == 4


def test_without_validation_images_the_last_weights_are_kept(
    make_job: MakeJob, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    job = make_job()
    studies = read_table(job.studies[0], schema=STUDIES)
    path = tmp_path / "studies.parquet"
    train = studies.filter(pl.col("split") == "train")
    test = studies.join(train, on="study_id", how="anti").with_columns(
        split=pl.lit("test").cast(studies.schema["split"])
    )
    write_table(pl.concat([train, test]), path, schema=STUDIES)

    with caplog.at_level(logging.INFO):
        _run(job.model_copy(update={"studies": (path,)}))

    run = json.loads((job.out / "run.json").read_text())
    assert (run["best_step"], run["best_validation_loss"]) == (9, None)
    assert "no validation, no early stop" in caplog.text
    history = read_table(job.out / "history.parquet", schema=HISTORY)
    assert not history["metric"].str.starts_with("validate/").any()


def test_fewer_images_than_a_batch_are_refused_before_any_work(
    make_job: MakeJob, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"found 16 with pixels and a report"):
        _run(make_job(batch_size=17))
    with pytest.raises(ValueError, match="at least one batch of 4 x 5 images"):
        _run(make_job(processes=4))
    assert list(tmp_path.iterdir()) == []


def test_the_corpus_is_shown_before_any_work(make_job: MakeJob, tmp_path: Path) -> None:
    shown: list[Corpora] = []

    def check(corpora: Corpora) -> None:
        shown.append(corpora)
        raise StoppedError

    with pytest.raises(StoppedError):
        pretrain(make_job(), check=check)

    assert (len(shown[0].train), shown[0].num_items) == (16, 24)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "losses",
    [
        {"image_report": 0, "soft_labels": 0, "region_sentence": 0},
        {"image_report": 0, "soft_labels": 0, "tags": 0},
        {"tags": 0, "region_sentence": 0},
    ],
)
def test_losses_can_be_left_out(make_job: MakeJob, losses: dict[str, float]) -> None:
    job = make_job(losses=losses, max_steps=2)

    seen = _run(job)

    for name in losses:
        assert f"train/{name}" not in seen[2]
    assert ("validate/tag_map" in seen[2]) == ("tags" not in losses)


def test_a_run_can_start_from_another(make_job: MakeJob) -> None:
    first = make_job("first")
    _run(first)
    frozen = {"learning_rate": 1e-12, "min_learning_rate": 0, "weight_decay": 0}

    second = make_job(
        "second", initial=str(first.out), optimizer=frozen, max_steps=1, seed=99
    )
    _run(second)

    before = load_model(first.out).state_dict()
    after = load_model(second.out).state_dict()
    for name, value in before.items():
        if "running_" not in name and "num_batches" not in name:
            torch.testing.assert_close(after[name], value, rtol=0, atol=1e-6)


def test_weights_of_another_model_are_refused(make_job: MakeJob) -> None:
    first = make_job("first", max_steps=1)
    _run(first)
    model = SETTINGS["model"] | {"heads": {"hidden_width": 12, "width": 8}}

    with pytest.raises(ValueError, match=r"pretraining.initial: expected weights for"):
        _run(make_job("second", initial=str(first.out), model=model))
    with pytest.raises(FileNotFoundError, match=r"found no run.json"):
        _run(make_job("third", initial=str(first.work)))
    tokenizer = first.out / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text() + "\n")
    with pytest.raises(ValueError, match="expected a run with the tokenizer of this"):
        _run(make_job("fourth", initial=str(first.out)))


def test_a_diverged_run_says_which_number(make_job: MakeJob) -> None:
    optimizer = {"learning_rate": 1e30, "warmup_share": 0.0}

    with pytest.raises(FloatingPointError, match="not finite in"):
        _run(make_job(optimizer=optimizer))


def test_bf16_learns_with_32_bit_weights(make_job: MakeJob) -> None:
    job = make_job(precision="bf16", max_steps=4)

    seen = _run(job)

    assert np.isfinite(seen[4]["validate/loss"])
    weights = load_model(job.out).parameters()
    assert {weight.dtype for weight in weights} == {torch.float32}


def test_global_state_of_torch_is_left_as_it_was(make_job: MakeJob) -> None:
    torch.manual_seed(11)
    expected = torch.rand(4)

    torch.manual_seed(11)
    with pytest.raises(StoppedError):
        _run(make_job(), stop_after=2)

    assert torch.equal(torch.rand(4), expected)
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.slow
def test_workers_change_nothing_but_the_time(make_job: MakeJob) -> None:
    alone, helped = make_job("a", max_steps=4), make_job("b", max_steps=4, workers=2)

    first, second = _run(alone), _run(helped)

    assert _without_times(first) == _without_times(second)


@pytest.mark.gpu
def test_a_gpu_trains_and_resumes_too(make_job: MakeJob) -> None:
    job = make_job(device="cuda", precision="bf16", workers=2)

    with pytest.raises(StoppedError):
        _run(job, stop_after=6)
    rest = _run(job)

    assert min(rest) > 2
    assert (job.out / "run.json").exists()
