from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from huggingface_hub import constants
from safetensors.torch import save_file

from asg_core.models.config import ImageEncoderConfig
from asg_core.models.image_encoder import ImageEncoder, build_image_encoder
from support.small_models import IMAGE, SIZE

TINY_VIT: dict[str, Any] = {"depth": 1, "embed_dim": 24, "num_heads": 2}


def _build(**changes: object) -> ImageEncoder:
    torch.manual_seed(0)
    return build_image_encoder(IMAGE.model_copy(update=changes)).eval()


def _images(num_images: int = 2, *, size: int = SIZE) -> torch.Tensor:
    return torch.randint(0, 256, (num_images, size, size), dtype=torch.uint8)


@pytest.mark.parametrize(
    ("name", "options", "size", "grid", "width"),
    [
        ("deit_tiny_patch16_224", TINY_VIT, 32, (2, 2), 24),
        ("deit_tiny_patch16_224", TINY_VIT, 48, (3, 3), 24),
        ("deit_tiny_distilled_patch16_224", TINY_VIT, 32, (2, 2), 24),
        ("vit_small_patch14_reg4_dinov2", TINY_VIT, 28, (2, 2), 24),
        ("vit_base_patch16_siglip_224", TINY_VIT, 32, (2, 2), 24),
        ("test_resnet", {}, 64, (2, 2), 96),
        ("test_resnet", {"output_stride": 16}, 64, (4, 4), 96),
        ("test_convnext", {}, 64, (2, 2), 64),
        (
            "swin_tiny_patch4_window7_224",
            {"depths": (1, 1), "num_heads": (1, 2), "embed_dim": 12, "window_size": 2},
            32,
            (4, 4),
            24,
        ),
    ],
)
def test_every_family_gives_a_grid_of_patches(
    name: str,
    options: dict[str, Any],
    size: int,
    grid: tuple[int, int],
    width: int,
) -> None:
    encoder = _build(name=name, options=options, size=size)

    features = encoder(_images(size=size))

    assert features.grid == encoder.grid == grid
    assert features.patches_BPE.shape == (2, grid[0] * grid[1], encoder.width)
    assert features.pooled_BE.shape == (2, encoder.pooled_width)
    assert encoder.width == width


def test_a_transformer_pools_the_first_token_after_the_last_norm() -> None:
    encoder = _build(name="vit_small_patch14_reg4_dinov2", options=TINY_VIT, size=28)
    image_BSS = _images(size=28)

    features = encoder(image_BSS)

    pixels = (image_BSS / 255)[:, None].expand(-1, 3, -1, -1)
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    tokens = encoder.network.forward_features((pixels - mean) / std)
    torch.testing.assert_close(features.pooled_BE, tokens[:, 0])
    torch.testing.assert_close(features.patches_BPE, tokens[:, 5:])
    assert encoder.mean == (0.485, 0.456, 0.406)


def test_a_resnet_pools_the_mean_of_its_map() -> None:
    encoder = _build(name="test_resnet", options={}, size=64)
    image_BSS = _images(size=64)

    features = encoder(image_BSS)

    torch.testing.assert_close(features.pooled_BE, features.patches_BPE.mean(1))


@pytest.mark.parametrize("name", ["test_resnet", "swin_tiny_patch4_window7_224"])
def test_patches_run_row_by_row_from_the_top_left(name: str) -> None:
    # Only the top right quarter differs from black, and it is in patch 1 of 2 x 2.
    options: dict[str, Any] = {}
    if name.startswith("swin"):
        options = {
            "depths": (1, 1),
            "num_heads": (1, 2),
            "embed_dim": 12,
            "window_size": 2,
        }
    size = {"test_resnet": 256, "swin_tiny_patch4_window7_224": 32}[name]
    encoder = _build(name=name, options=options, size=size)
    black_BSS = torch.zeros(1, size, size, dtype=torch.uint8)
    part = size // encoder.grid[0]
    image_BSS = black_BSS.clone()
    image_BSS[:, :part, -part:] = 255

    changed_1P = (encoder(image_BSS).patches_BPE - encoder(black_BSS).patches_BPE).norm(
        dim=-1
    )

    assert changed_1P[0].argmax() == encoder.grid[1] - 1


def test_one_channel_is_the_mean_of_three() -> None:
    encoder = _build(channels=1)

    assert encoder.mean == pytest.approx(((0.485 + 0.456 + 0.406) / 3,))
    assert encoder(_images()).patches_BPE.shape == (2, 4, 24)


def test_given_statistics_replace_those_of_timm() -> None:
    encoder = _build(mean=(0.5,), std=(0.25,))
    white_BSS = torch.full((1, SIZE, SIZE), 255, dtype=torch.uint8)

    torch.testing.assert_close(
        encoder(white_BSS).pooled_BE,
        encoder.network(torch.full((1, 3, SIZE, SIZE), 2.0)),
    )


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_come_from_a_file_and_their_classifier_is_left_out(
    tmp_path: Path, suffix: str
) -> None:
    published: Any = timm.create_model(
        "deit_tiny_patch16_224", num_classes=1000, img_size=48, **TINY_VIT
    )
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save({"model": published.state_dict()}, path)
    else:
        save_file(published.state_dict(), path)

    encoder = _build(weights=path, size=48)

    for name, value in encoder.network.state_dict().items():
        assert torch.equal(value, published.state_dict()[name]), name
    # Another size: position embeddings are resampled. One channel: the sum of three.
    small = _build(weights=path, channels=1)
    assert torch.equal(
        small.network.blocks[0].mlp.fc1.weight, published.blocks[0].mlp.fc1.weight
    )
    torch.testing.assert_close(
        small.network.patch_embed.proj.weight,
        published.patch_embed.proj.weight.sum(1, keepdim=True),
    )


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({"blocks.0.norm1.weight": torch.ones(24)}, path)
    with pytest.raises(ValueError, match=r"lacks \d+ tensors of .* deit_tiny"):
        _build(weights=path)

    save_file({"cls_token": torch.ones(1, 1, 7)}, path)
    with pytest.raises(ValueError, match="does not fit the architecture deit_tiny"):
        _build(weights=path)


def test_a_file_that_could_execute_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"model": timm.create_model("test_resnet")}, path)

    with pytest.raises(ValueError, match=r"no file of tensors alone"):
        _build(weights=path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no file '.*none.pth'"):
        _build(weights=tmp_path / "none.pth")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "deit_huge"}, r"found 'deit_huge'; `timm.list_models"),
        ({"name": "hf-hub:someone/model"}, r"found 'hf-hub:someone/model'"),
        (
            {"size": 40},
            r"multiple of the patch size .* 16 pixels, found 40; take 32 or 48",
        ),
        (
            {"name": "test_resnet", "options": {}, "size": 48},
            r"32 pixels, found 48; take 32 or 64",
        ),
        ({"options": {"img_size": 64}}, r"\['img_size'\] follow from size"),
        ({"options": {"no_such_option": 1}}, r"timm does not build"),
        (
            {"name": "pit_ti_224", "options": {}, "size": 64},
            r"expected 2 x 2 patches for size 64, found 1",
        ),
        (
            {"name": "coat_tiny", "options": {}, "size": 64},
            r"one grid of patch features, found none in coat_tiny",
        ),
    ],
)
def test_what_cannot_be_built_is_a_sentence(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        _build(**changes)


def test_images_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected uint8 images \(B, 32, 32\), found"):
        _build()(_images(size=48))


def test_batch_norm_follows_the_batch_in_training() -> None:
    encoder = _build(name="test_resnet", options={}, size=64).train()
    before = encoder.network.bn1.running_mean.clone()

    encoder(_images(size=64))

    assert not torch.equal(encoder.network.bn1.running_mean, before)


def test_building_does_not_move_running_statistics() -> None:
    config = ImageEncoderConfig(name="test_resnet", size=64)

    encoder = build_image_encoder(config)

    assert encoder.training
    assert encoder.network.bn1.num_batches_tracked == 0


def _fill_hub(folder: Path, state: dict[str, torch.Tensor]) -> None:
    """Lay weights where the hub's cache would keep those of timm's tiny DeiT."""
    name = "models--timm--deit_tiny_patch16_224.fb_in1k"
    snapshot = folder / name / "snapshots" / "0"
    snapshot.mkdir(parents=True)
    (folder / name / "refs").mkdir()
    (folder / name / "refs" / "main").write_text("0")
    save_file(state, snapshot / "model.safetensors")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a model hub's cache that cannot be filled from outside."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path


def test_published_weights_come_from_the_cache(hub: Path) -> None:
    published = timm.create_model("deit_tiny_patch16_224", img_size=SIZE, **TINY_VIT)
    _fill_hub(hub, published.state_dict())

    encoder = _build(pretrained=True)

    for name, value in encoder.network.state_dict().items():
        assert torch.equal(value, published.state_dict()[name]), name


def test_layers_that_the_published_weights_lack_do_not_stay_random(hub: Path) -> None:
    published = timm.create_model("deit_tiny_patch16_224", img_size=SIZE, **TINY_VIT)
    _fill_hub(hub, published.state_dict())

    with pytest.raises(
        ValueError, match=r"pretrained: .* lack 12 tensors, such as 'blocks\.1\."
    ):
        _build(pretrained=True, options=TINY_VIT | {"depth": 2})
    # Scales of layers start from a constant: not random, and just as wrong.
    with pytest.raises(ValueError, match=r"lack 2 tensors, such as 'blocks\.0\.ls1"):
        _build(pretrained=True, options=TINY_VIT | {"init_values": 1e-5})


def test_a_hub_that_is_not_there_is_a_sentence(hub: Path) -> None:
    assert not list(hub.iterdir())
    with pytest.raises(
        ValueError, match=r"pretrained: .*model\.image_encoder\.weights.*HF_HUB_OFFLINE"
    ):
        _build(pretrained=True)


def test_a_prefix_without_a_file_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"prefix is 'encoder\.' while weights names no"
    ):
        ImageEncoderConfig(prefix="encoder.")
