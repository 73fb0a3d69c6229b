from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from asg_core.models.tag_decoder import TagDecoder


def _decoder(
    *, patch_width: int = 12, dropout: float = 0.0, num_layers: int = 2
) -> TagDecoder:
    return TagDecoder(
        query_width=8,
        patch_width=patch_width,
        num_layers=num_layers,
        num_heads=2,
        feedforward_width=16,
        dropout=dropout,
    )


def _attend(
    attention: nn.MultiheadAttention, query_FE: Tensor, key_PI: Tensor
) -> Tensor:
    """Attend head by head, for one image."""
    packed: Tensor | None = attention.in_proj_weight
    weights: tuple[Tensor, ...]
    if packed is None:
        weights = (
            attention.q_proj_weight,
            attention.k_proj_weight,
            attention.v_proj_weight,
        )
    else:
        weights = packed.chunk(3)
    biases = attention.in_proj_bias.chunk(3)
    query, key, value = (
        functional.linear(rows, weight, bias)
        for rows, weight, bias in zip(
            (query_FE, key_PI, key_PI), weights, biases, strict=True
        )
    )
    width = query.shape[1] // attention.num_heads
    parts = []
    for head in range(attention.num_heads):
        own = slice(head * width, (head + 1) * width)
        share_FP = (query[:, own] @ key[:, own].T / width**0.5).softmax(1)
        parts.append(share_FP @ value[:, own])
    joined: Tensor = attention.out_proj(torch.cat(parts, dim=1))
    return joined


@pytest.mark.parametrize("patch_width", [8, 12])
def test_the_layers_are_in_the_order_of_the_released_code(patch_width: int) -> None:
    decoder = _decoder(patch_width=patch_width)
    for parameter in decoder.parameters():
        nn.init.normal_(parameter, std=0.3)
    queries_FE, patches_BPI = torch.randn(5, 8), torch.randn(2, 4, patch_width)

    logit_BF = decoder(queries_FE, patches_BPI)

    for image in range(2):
        x = queries_FE
        for module in decoder.layers:
            layer: Any = module
            normed = layer.self_norm(x)
            x = x + _attend(layer.self_attention, normed, normed)
            x = x + _attend(
                layer.cross_attention, layer.cross_norm(x), patches_BPI[image]
            )
            x = x + layer.feedforward(layer.feedforward_norm(x))
        expected_F = decoder.answer(decoder.norm(x))[:, 0]
        torch.testing.assert_close(logit_BF[image], expected_F, rtol=1e-4, atol=1e-5)


def test_weights_start_small() -> None:
    decoder = TagDecoder(
        query_width=64,
        patch_width=48,
        num_layers=1,
        num_heads=4,
        feedforward_width=128,
        dropout=0.1,
    )

    for name, weight in decoder.named_parameters():
        if weight.dim() > 1 and weight.numel() > 100:
            assert weight.std().item() == pytest.approx(0.02, rel=0.1), name


def test_dropout_is_for_training_only() -> None:
    decoder = _decoder(dropout=0.5)
    queries_FE, patches_BPI = torch.randn(5, 8), torch.randn(2, 4, 12)

    assert not torch.equal(
        decoder(queries_FE, patches_BPI), decoder(queries_FE, patches_BPI)
    )
    decoder.eval()
    torch.testing.assert_close(
        decoder(queries_FE, patches_BPI), decoder(queries_FE, patches_BPI)
    )


def test_inference_gives_what_training_without_dropout_gives() -> None:
    # torch takes another path through attention where no gradient is wanted.
    decoder = _decoder(patch_width=8).eval()
    queries_FE, patches_BPI = torch.randn(5, 8), torch.randn(2, 4, 8)

    with torch.inference_mode():
        logit_BF = decoder(queries_FE, patches_BPI)

    torch.testing.assert_close(logit_BF, decoder.train()(queries_FE, patches_BPI))


def test_patches_have_no_order() -> None:
    decoder = _decoder()
    queries_FE, patches_BPI = torch.randn(5, 8), torch.randn(2, 4, 12)

    torch.testing.assert_close(
        decoder(queries_FE, patches_BPI.flip(1)), decoder(queries_FE, patches_BPI)
    )


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    with pytest.raises(ValueError, match=r"a divisor of the width .* \(8\), found 3"):
        TagDecoder(
            query_width=8,
            patch_width=8,
            num_layers=1,
            num_heads=3,
            feedforward_width=8,
            dropout=0,
        )
