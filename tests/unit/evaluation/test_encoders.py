from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from transformers import Dinov2Config, Dinov2Model

from asg_core.evaluation.config import EncoderConfig
from asg_core.evaluation.encoders import (
    NetworkEncoder,
    PixelEncoder,
    calibrate_batch_norms,
    load_encoder,
    read_inputs,
)
from asg_core.images.crop import centre_crop
from asg_core.models.config import ImageEncoderConfig
from asg_core.models.image_encoder import build_image_encoder
from support.small_evaluation import (
    CACHE_SIZE,
    RESIZE,
    load_run,
    pixels_of,
    save_run,
    small_discs,
)
from support.small_models import IMAGE, SIZE

RESNET = ImageEncoderConfig(
    name="resnet10t",
    size=32,
    channels=1,
    options={"stem_width": 8, "channels": [8, 8, 8, 16]},
)


def _load(config: EncoderConfig, **changes: object) -> NetworkEncoder | PixelEncoder:
    options = {"name": "x", "cache_size": CACHE_SIZE} | changes
    return load_encoder(config, **options)  # type: ignore[arg-type] # a test's shortcut


def test_a_run_is_loaded_with_its_crop_and_its_text_side(tmp_path: Path) -> None:
    encoder = load_run(save_run(tmp_path / "run"))

    assert (encoder.resize, encoder.input_size) == (RESIZE, SIZE)
    assert encoder.model is not None
    assert encoder.loss_weights["tags"] == 5.0
    assert not any(p.requires_grad for p in encoder.model.parameters())
    image_BSS = torch.randint(0, 256, (2, SIZE, SIZE), dtype=torch.uint8)
    found = encoder.features(image_BSS)
    expected = encoder.model.image_encoder(image_BSS)
    torch.testing.assert_close(found.pooled_BE, expected.pooled_BE)
    torch.testing.assert_close(found.patches_BPE, expected.patches_BPE)
    assert found.grid == (2, 2)


def test_the_folder_of_any_run_is_a_checkpoint(tmp_path: Path) -> None:
    folder = save_run(tmp_path / "run")

    encoder = _load(
        EncoderConfig(
            kind="checkpoint", path=folder, resize=40, pretrained_on=("nih", "siim")
        )
    )

    assert (encoder.resize, encoder.input_size) == (40, SIZE)
    assert encoder.pretrained_on == ("nih", "siim")


def test_sixteen_bit_arithmetic_gives_nearly_the_same_features(tmp_path: Path) -> None:
    folder = save_run(tmp_path / "run")
    config = EncoderConfig(kind="checkpoint", path=folder)
    image_BSS = torch.randint(0, 256, (2, SIZE, SIZE), dtype=torch.uint8)

    full, half = (
        _load(config, precision=precision).features(image_BSS).pooled_BE
        for precision in ("fp32", "bf16")
    )

    assert half.dtype == torch.float32
    torch.testing.assert_close(half, full, atol=0.1, rtol=0.1)
    assert not torch.equal(half, full)


def _with_weights(config: ImageEncoderConfig, path: Path) -> ImageEncoderConfig:
    """Write weights of an architecture to `path`; return the encoder that reads them."""
    torch.manual_seed(3)
    save_file(build_image_encoder(config).network.state_dict(), path)
    return config.model_copy(update={"weights": path})


def test_an_encoder_of_timm_sees_seven_eighths_of_the_image(tmp_path: Path) -> None:
    image = _with_weights(
        IMAGE.model_copy(update={"size": 224, "channels": 1}),
        tmp_path / "vit.safetensors",
    )

    encoder = _load(
        EncoderConfig(kind="timm", image_encoder=image, pretrained_on=("nih",))
    )

    assert (encoder.resize, encoder.input_size) == (256, 224)
    assert encoder.pretrained_on == ("nih",)


def test_the_folder_of_transformers_is_an_encoder_too(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "image_size": 28,
        "patch_size": 14,
        "hidden_size": 16,
        "mlp_ratio": 2,
    }
    published = Dinov2Model(
        Dinov2Config(num_hidden_layers=1, num_attention_heads=2, **options)
    )
    published.save_pretrained(tmp_path)

    encoder = _load(
        EncoderConfig(
            kind="transformers",
            path=tmp_path,
            mean=(0.5,),
            std=(0.2,),
            pretrained_on=("nih",),
        )
    )

    assert (encoder.resize, encoder.input_size) == (32, 28)
    assert encoder.pretrained_on == ("nih",)
    image_BSS = torch.randint(0, 256, (2, 28, 28), dtype=torch.uint8)
    found = encoder.features(image_BSS)
    assert (found.pooled_BE.shape, found.patches_BPE.shape) == ((2, 16), (2, 4, 16))
    with pytest.raises(ValueError, match=r"evaluation\.encoders\.x\.mean: expected"):
        _load(EncoderConfig(kind="transformers", path=tmp_path))


def test_messages_about_weights_name_the_encoder(tmp_path: Path) -> None:
    path = tmp_path / "empty.safetensors"
    save_file({}, path)
    image = IMAGE.model_copy(update={"weights": path})

    with pytest.raises(
        ValueError,
        match=r"^evaluation\.encoders\.x\.image_encoder\.weights: .*no tensor",
    ):
        _load(EncoderConfig(kind="timm", image_encoder=image))


def test_random_weights_follow_their_seed_and_leave_the_generator_alone() -> None:
    image_BSS = torch.randint(0, 256, (2, SIZE, SIZE), dtype=torch.uint8)
    state = torch.random.get_rng_state()

    one, again, other = (
        _load(EncoderConfig(kind="random", image_encoder=IMAGE, seed=seed))
        for seed in (0, 0, 1)
    )

    assert torch.equal(torch.random.get_rng_state(), state)
    found = [e.features(image_BSS).pooled_BE for e in (one, again, other)]
    assert torch.equal(found[0], found[1])
    assert not torch.allclose(found[0], found[2])


def test_batch_norms_of_random_weights_get_the_statistics_of_the_training_images(
    tmp_path: Path,
) -> None:
    discs = small_discs(train=12, validate=2, test=2)
    cache = pixels_of(discs, tmp_path)
    train_ids = discs.image_ids[:12]
    encoder = _load(EncoderConfig(kind="random", image_encoder=RESNET, resize=36))
    assert isinstance(encoder, NetworkEncoder)

    num = calibrate_batch_norms(encoder, cache, train_ids, batch_size=12)

    assert num == 12
    first = next(m for m in encoder.network.modules() if isinstance(m, nn.BatchNorm2d))
    seen: list[torch.Tensor] = []
    handle = first.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    encoder.features(read_inputs(encoder, cache, train_ids))
    handle.remove()
    assert first.running_mean is not None
    torch.testing.assert_close(first.running_mean, seen[0].mean(dim=(0, 2, 3)))
    assert first.momentum == 0.1
    assert not any(module.training for module in encoder.network.modules())


def test_the_calibrated_floor_is_the_same_every_time(tmp_path: Path) -> None:
    discs = small_discs(train=12, validate=2, test=2)
    cache = pixels_of(discs, tmp_path)
    config = EncoderConfig(kind="random", image_encoder=RESNET, resize=36)
    found = []
    for order in (1, -1):
        encoder = _load(config)
        calibrate_batch_norms(
            encoder, cache, discs.image_ids[:12][::order], batch_size=5
        )
        inputs = read_inputs(encoder, cache, discs.image_ids)
        found.append(encoder.features(inputs).pooled_BE)

    assert torch.equal(found[0], found[1])


def test_dropout_follows_a_seed_of_its_own_while_batch_norms_are_fitted(
    tmp_path: Path,
) -> None:
    discs = small_discs(train=12, validate=2, test=2)
    cache = pixels_of(discs, tmp_path)
    dropping = RESNET.model_copy(update={"options": {"drop_path_rate": 0.5}})
    found = []
    for seed in (1, 2):
        encoder = _load(EncoderConfig(kind="random", image_encoder=dropping, resize=36))
        torch.manual_seed(seed)
        state = torch.random.get_rng_state()
        calibrate_batch_norms(encoder, cache, discs.image_ids[:12], batch_size=6)
        assert torch.equal(torch.random.get_rng_state(), state)
        inputs = read_inputs(encoder, cache, discs.image_ids)
        found.append(encoder.features(inputs).pooled_BE)

    assert torch.equal(found[0], found[1])


def test_other_encoders_are_not_calibrated(tmp_path: Path) -> None:
    discs = small_discs(train=4, validate=2, test=2)
    cache = pixels_of(discs, tmp_path)
    resnet = _with_weights(RESNET, tmp_path / "resnet.safetensors")
    trained = _load(EncoderConfig(kind="timm", image_encoder=resnet))
    without_norms = _load(EncoderConfig(kind="random", image_encoder=IMAGE))
    pixels = _load(EncoderConfig(kind="pixels", thumbnail=4))

    for encoder in (trained, without_norms, pixels):
        assert calibrate_batch_norms(encoder, cache, ["no-such"], batch_size=2) == 0


def test_pixels_are_the_means_of_cells_and_the_pixels_of_cells() -> None:
    encoder = PixelEncoder(name="pixels", resize=4, input_size=4, thumbnail=2)
    image_BSS = torch.tensor([[[0, 255, 0, 0], [255, 0, 0, 0], [51] * 4, [51] * 4]])

    found = encoder.features(image_BSS.to(torch.uint8))

    torch.testing.assert_close(found.pooled_BE, torch.tensor([[0.5, 0.0, 0.2, 0.2]]))
    torch.testing.assert_close(
        found.patches_BPE[0, :2], torch.tensor([[0.0, 1.0, 1.0, 0.0], [0.0] * 4])
    )
    assert found.grid == (2, 2)


def test_pixels_see_the_cached_square_up_to_whole_cells() -> None:
    encoder = _load(EncoderConfig(kind="pixels", thumbnail=16), cache_size=170)

    assert (encoder.resize, encoder.input_size) == (170, 160)


def test_inputs_are_cropped_as_in_validation(tmp_path: Path) -> None:
    discs = small_discs(train=3, validate=1, test=1)
    cache = pixels_of(discs, tmp_path)
    encoder = PixelEncoder(name="pixels", resize=36, input_size=32, thumbnail=4)

    found = read_inputs(encoder, cache, discs.image_ids[:2])

    expected = centre_crop(36, 32).apply(discs.pixels_NSS[:2])
    np.testing.assert_array_equal(found.numpy(), expected)


def test_what_cannot_be_loaded_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"encoders\.x: expected the run's folder"):
        _load(EncoderConfig(kind="run", run="full"))
    with pytest.raises(ValueError, match=r"encoders\.x: expected its architecture"):
        _load(EncoderConfig(kind="random", run="full"), run_folder=tmp_path)
    with pytest.raises(FileNotFoundError, match=r"run\.json"):
        _load(EncoderConfig(kind="checkpoint", path=tmp_path))
    with pytest.raises(ValueError, match="at least one pixel in each of 50 x 50 cells"):
        _load(EncoderConfig(kind="pixels", thumbnail=50))
    folder = save_run(tmp_path / "run")
    with pytest.raises(ValueError, match="window of 32 px inside 20 px"):
        _load(EncoderConfig(kind="checkpoint", path=folder, resize=20))
