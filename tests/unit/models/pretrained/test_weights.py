"""Checkpoints of the field, as small stand-ins with the names of the real files."""

import argparse
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck, ResNet

from asg_core.models.config import ImageEncoderConfig
from asg_core.models.image_encoder import ImageEncoder, build_image_encoder
from support.small_models import IMAGE, SIZE

VIT = IMAGE
RESNET = ImageEncoderConfig(
    name="resnet50", size=SIZE, options={"layers": (1, 1, 1, 1)}
)
SWIN = ImageEncoderConfig(
    name="swin_tiny_patch4_window7_224",
    size=SIZE,
    options={
        "depths": (1, 1),
        "num_heads": (1, 2),
        "embed_dim": 12,
        "window_size": 2,
    },
)
CLIP = ImageEncoderConfig(
    name="vit_base_patch16_clip_224",
    size=SIZE,
    options={"depth": 1, "embed_dim": 64, "num_heads": 1},
)
State = dict[str, Tensor]


def _vit_state(**changes: object) -> State:
    torch.manual_seed(1)
    options: dict[str, Any] = dict(VIT.options) | changes
    return _state(timm.create_model(VIT.name, img_size=SIZE, num_classes=7, **options))


def _resnet_state() -> State:
    torch.manual_seed(1)
    return _state(ResNet(Bottleneck, [1, 1, 1, 1], num_classes=7))


def _swin_state() -> State:
    torch.manual_seed(1)
    return _state(
        timm.create_model(SWIN.name, img_size=SIZE, num_classes=7, **SWIN.options)
    )


def _state(network: nn.Module) -> State:
    return {name: value.clone() for name, value in network.state_dict().items()}


def _under(prefix: str, state: Mapping[str, Tensor]) -> State:
    return {prefix + name: value for name, value in state.items()}


def _other(prefix: str, *, count: int = 3) -> State:
    """Return tensors of another part of a model."""
    return {f"{prefix}.{place}.weight": torch.zeros(2, 2) for place in range(count)}


def _lightning(state: State) -> dict[str, object]:
    """Return what Lightning writes around a state dictionary."""
    moments = {"exp_avg": torch.zeros(2), "exp_avg_sq": torch.zeros(2)}
    return {
        "epoch": 3,
        "pytorch-lightning_version": "1.3.8",
        "state_dict": state,
        "hyper_parameters": {"img_encoder": "vit_base"},
        "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(1.5)}},
        "optimizer_states": [{"state": {0: moments}, "param_groups": []}],
        "lr_schedulers": [],
    }


def _build(config: ImageEncoderConfig, **changes: object) -> ImageEncoder:
    torch.manual_seed(0)
    return build_image_encoder(config.model_copy(update=changes))


def _assert_loaded(encoder: ImageEncoder, published: State) -> None:
    state = encoder.network.state_dict()
    assert state
    for name, value in state.items():
        assert torch.equal(value, published[name]), name


# One row of the field's checkpoints each: file name, what is in it, architecture.
Made = Callable[[], tuple[object, ImageEncoderConfig, State]]


def _mgca_vit() -> tuple[object, ImageEncoderConfig, State]:
    vit = _vit_state()
    state = (
        _under("img_encoder_q.model.", vit)
        | _other("img_encoder_q.global_embed.head")
        | _other("img_encoder_q.local_embed.head")
        | _other("text_encoder_q.model.encoder.layer")
        | {"prototype_layer.weight": torch.zeros(3, 4)}
    )
    return _lightning(state), VIT, vit


def _mgca_resnet() -> tuple[object, ImageEncoderConfig, State]:
    resnet = _resnet_state()
    state = _under("img_encoder_q.model.", resnet) | _other("text_encoder_q.model")
    return _lightning(state), RESNET, resnet


def _gloria() -> tuple[object, ImageEncoderConfig, State]:
    resnet = _resnet_state()
    state = (
        _under("gloria.img_encoder.model.", resnet)
        | {"gloria.img_encoder.global_embedder.weight": torch.zeros(2, 2)}
        | _other("gloria.text_encoder.model.encoder.layer", count=40)
    )
    return _lightning(state), RESNET, resnet


def _biovil() -> tuple[object, ImageEncoderConfig, State]:
    resnet = _resnet_state()
    return (
        _under("encoder.encoder.", resnet) | _other("projector.model"),
        RESNET,
        resnet,
    )


def _mrm() -> tuple[object, ImageEncoderConfig, State]:
    vit = _vit_state()
    model = (
        vit
        | _other("decoder_blocks")
        | _other("bert_encoder.model.layer")
        | {"mask_token": torch.zeros(1, 1, 24), "decoder_pos_embed": torch.zeros(1, 5)}
    )
    # What MAE's code writes beside the weights is an object, if a harmless one.
    return {"model": model, "epoch": 1, "args": argparse.Namespace(lr=0.1)}, VIT, vit


def _cxr_clip() -> tuple[object, ImageEncoderConfig, State]:
    swin = _swin_state()
    model = (
        _under("image_encoder.", swin)
        | _other("text_encoder.text_encoder.encoder.layer")
        | _other("image_projection.projection")
        | {"logit_scale": torch.tensor(2.6)}
    )
    return {"model": model, "optimizer": {}, "epoch": 1}, SWIN, swin


def _ddp() -> tuple[object, ImageEncoderConfig, State]:
    vit = _vit_state()
    return {"model": _under("module.", vit)}, VIT, vit


def _backbone() -> tuple[object, ImageEncoderConfig, State]:
    resnet = _resnet_state()
    return _under("backbone.", resnet) | _other("projection_head"), RESNET, resnet


def _moco_v3() -> tuple[object, ImageEncoderConfig, State]:
    vit = _vit_state()
    state = _under("module.base_encoder.", vit) | _other("module.predictor")
    return {"state_dict": state, "arch": "vit_base"}, VIT, vit


def _moco() -> tuple[object, ImageEncoderConfig, State]:
    resnet = _resnet_state()
    state = _under("module.encoder_q.", resnet) | {"module.queue": torch.zeros(2, 4)}
    return {"state_dict": state, "epoch": 200}, RESNET, resnet


def _dino_teacher() -> tuple[object, ImageEncoderConfig, State]:
    vit = _vit_state()
    teacher = _under("backbone.", vit) | _other("head.mlp")
    return {"teacher": teacher, "epoch": 1}, VIT, vit


@pytest.mark.parametrize(
    ("file", "make", "prefix"),
    [
        ("mgca.ckpt", _mgca_vit, "state_dict.img_encoder_q.model."),
        ("asg.ckpt", _mgca_resnet, "state_dict.img_encoder_q.model."),
        ("gloria.ckpt", _gloria, "state_dict.gloria.img_encoder.model."),
        ("biovil.safetensors", _biovil, "encoder.encoder."),
        ("biovil.pt", _biovil, "encoder.encoder."),
        ("mrm.pth", _mrm, "model."),
        ("cxr_clip.tar", _cxr_clip, "model.image_encoder."),
        ("ddp.pth", _ddp, "model.module."),
        ("backbone.pth", _backbone, "backbone."),
        ("moco_v3.pth.tar", _moco_v3, "state_dict.module.base_encoder."),
        ("moco.pth.tar", _moco, "state_dict.module.encoder_q."),
        ("dino.pth", _dino_teacher, "teacher.backbone."),
    ],
)
def test_the_encoder_is_found_in_the_checkpoints_of_the_field(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    file: str,
    make: Made,
    prefix: str,
) -> None:
    content, config, published = make()
    path = tmp_path / file
    if path.suffix == ".safetensors":
        assert isinstance(content, dict)
        save_file(content, path)
    else:
        torch.save(content, path)

    with caplog.at_level(logging.INFO):
        encoder = _build(config, weights=path)

    _assert_loaded(encoder, published)
    assert f"'{prefix}'" in caplog.text


def test_what_is_left_out_is_no_problem_of_encoders_without_classifier(
    tmp_path: Path,
) -> None:
    # timm loads these strictly, as their published weights have none either.
    dino = VIT.model_copy(update={"name": "vit_small_patch14_reg4_dinov2", "size": 28})
    published = _state(_build(dino).network)
    path = tmp_path / "dino.pth"
    torch.save(published | _other("decoder"), path)

    _assert_loaded(_build(dino, weights=path), published)


def test_names_of_open_clip_are_translated(tmp_path: Path) -> None:
    # As KAD keeps its image encoder, and with what several processes put before it.
    torch.manual_seed(1)
    grid, width = 4, 64
    block = {
        "ln_1.weight": torch.rand(width),
        "ln_1.bias": torch.rand(width),
        "attn.in_proj_weight": torch.rand(3 * width, width),
        "attn.in_proj_bias": torch.rand(3 * width),
        "attn.out_proj.weight": torch.rand(width, width),
        "attn.out_proj.bias": torch.rand(width),
        "ln_2.weight": torch.rand(width),
        "ln_2.bias": torch.rand(width),
        "mlp.c_fc.weight": torch.rand(4 * width, width),
        "mlp.c_fc.bias": torch.rand(4 * width),
        "mlp.c_proj.weight": torch.rand(width, 4 * width),
        "mlp.c_proj.bias": torch.rand(width),
    }
    visual = {
        "class_embedding": torch.rand(width),
        "positional_embedding": torch.rand(grid + 1, width),
        "proj": torch.rand(width, 8),
        "conv1.weight": torch.rand(width, 3, 16, 16),
        "ln_pre.weight": torch.rand(width),
        "ln_pre.bias": torch.rand(width),
        "ln_post.weight": torch.rand(width),
        "ln_post.bias": torch.rand(width),
        **_under("transformer.resblocks.0.", block),
    }
    path = tmp_path / "kad.pth"
    torch.save({"model": _under("module.visual.", visual)}, path)

    network = _build(CLIP, weights=path).network

    assert torch.equal(network.blocks[0].attn.qkv.weight, block["attn.in_proj_weight"])
    assert torch.equal(network.norm_pre.weight, visual["ln_pre.weight"])
    assert torch.equal(network.patch_embed.proj.weight, visual["conv1.weight"])


def test_what_does_not_fit_is_counted_and_named(tmp_path: Path) -> None:
    # MedKLIP cuts a ResNet into a sequence: its names are numbers.
    path = tmp_path / "medklip.pth"
    residual = {f"res_features.{name}": value for name, value in _other("0").items()}
    torch.save({"model": _under("module.", residual | _other("mlp"))}, path)

    with pytest.raises(ValueError, match="does not fit") as caught:
        _build(RESNET, weights=path)

    message = str(caught.value)
    wanted = len(_build(RESNET).network.state_dict())
    batches = sum("num_batches" in name for name in _build(RESNET).network.state_dict())
    assert f"lacks {wanted - batches} tensors of {wanted - batches}" in message
    assert "6 tensors" in message
    assert "'model.module.res_features.' (3)" in message
    assert "'model.module.mlp.' (3)" in message


def test_the_nearest_prefix_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cut.ckpt"
    vit = _vit_state()
    del vit["blocks.0.attn.qkv.weight"], vit["norm.bias"]
    torch.save(_lightning(_under("img_encoder_q.model.", vit)), path)

    with pytest.raises(ValueError, match="does not fit") as caught:
        _build(VIT, weights=path)

    message = str(caught.value)
    assert "under the nearest prefix 'state_dict.img_encoder_q.model.'" in message
    assert "lacks 2 tensors" in message
    assert "'blocks.0.attn.qkv.weight', 'norm.bias'" in message


def test_a_tensor_of_another_shape_is_named(tmp_path: Path) -> None:
    path = tmp_path / "wide.pth"
    vit = _vit_state()
    vit["blocks.0.mlp.fc1.weight"] = torch.zeros(5, 24)
    torch.save({"model": vit}, path)

    with pytest.raises(
        ValueError,
        match=r"1 of another shape.*'blocks.0.mlp.fc1.weight' \(5, 24\)",
    ):
        _build(VIT, weights=path)


def test_more_layers_than_the_architecture_has_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.pth"
    torch.save({"model": _vit_state(depth=2)}, path)

    with pytest.raises(ValueError, match=r"12 surplus.*'blocks.1.attn.proj.bias'"):
        _build(VIT, weights=path)


def test_layers_that_the_architecture_leaves_out_are_refused(tmp_path: Path) -> None:
    # A ViT with layer scales is not the ViT without them, though all other names agree.
    path = tmp_path / "scaled.pth"
    torch.save({"model": _vit_state(init_values=1e-5)}, path)

    with pytest.raises(ValueError, match=r"2 surplus.*'blocks.0.ls1.gamma'"):
        _build(VIT, weights=path)


def test_two_encoders_that_fit_need_a_prefix(tmp_path: Path) -> None:
    path = tmp_path / "dino.pth"
    vit = _vit_state()
    student = {name: value + 1 for name, value in vit.items()}
    torch.save(
        {
            "student": _under("module.backbone.", student),
            "teacher": _under("backbone.", vit),
        },
        path,
    )

    with pytest.raises(ValueError, match=r"several.*image_encoder\.prefix") as caught:
        _build(VIT, weights=path)
    assert "'student.module.backbone.'" in str(caught.value)
    assert "'teacher.backbone.'" in str(caught.value)

    for prefix in ("teacher.backbone.", "teacher.backbone"):
        _assert_loaded(_build(VIT, weights=path, prefix=prefix), vit)
    _assert_loaded(_build(VIT, weights=path, prefix="module.backbone."), student)


def test_equal_copies_need_no_prefix(tmp_path: Path) -> None:
    path = tmp_path / "copies.pth"
    vit = _vit_state()
    torch.save({"model": vit, "state_dict": _under("encoder_q.", vit)}, path)

    _assert_loaded(_build(VIT, weights=path), vit)


def test_a_prefix_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(_under("backbone.", _vit_state()), path)

    with pytest.raises(
        ValueError, match=r"no key .* 'encoder\.'.*'backbone\.blocks\.'"
    ):
        _build(VIT, weights=path, prefix="encoder.")


@pytest.mark.parametrize(
    "content", [{}, {"state_dict": {}}, {"epoch": 3, "model": {"lr": 0.1}}]
)
def test_a_file_without_tensors_is_refused(tmp_path: Path, content: object) -> None:
    path = tmp_path / "empty.pth"
    torch.save(content, path)

    with pytest.raises(ValueError, match="no tensor"):
        _build(VIT, weights=path)


def test_an_empty_safetensors_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.safetensors"
    save_file({}, path)

    with pytest.raises(ValueError, match="no tensor"):
        _build(VIT, weights=path)


def test_what_is_no_state_dictionary_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.pth"
    torch.save([torch.zeros(2)], path)

    with pytest.raises(ValueError, match="expected a dictionary of tensors"):
        _build(VIT, weights=path)


def test_a_pointer_of_git_lfs_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "pointer.ckpt"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")

    with pytest.raises(ValueError, match="Git LFS"):
        _build(VIT, weights=path)


def test_objects_that_are_not_loaded_are_named(tmp_path: Path) -> None:
    path = tmp_path / "objects.ckpt"
    torch.save({"state_dict": _vit_state(), "hyper_parameters": Path("x")}, path)

    with pytest.raises(ValueError, match=r"no file of tensors alone.*pathlib"):
        _build(VIT, weights=path)


def test_random_weights_are_announced(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        _build(VIT)

    assert "deit_tiny_patch16_224: random weights" in caplog.text
