"""Image encoders small enough for tests, with random weights."""

import torch

from asg_core.evaluation.encoders import NetworkEncoder
from asg_core.models.config import ImageEncoderConfig
from asg_core.models.image_encoder import build_image_encoder

SIZE = 32  # input, pixels
RESIZE = 36

VIT = ImageEncoderConfig(
    name="vit_tiny_patch16_224",
    options={"patch_size": 8, "embed_dim": 16, "depth": 1, "num_heads": 2},
    size=SIZE,
    channels=1,
)
RESNET = ImageEncoderConfig(name="test_resnet", size=SIZE, channels=1)


def tiny_encoder(config: ImageEncoderConfig = VIT) -> NetworkEncoder:
    """Return a frozen encoder in evaluation mode; equal settings give equal weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_image_encoder(config)
    network.eval().requires_grad_(requires_grad=False)
    return NetworkEncoder(name="tiny", resize=RESIZE, network=network)
