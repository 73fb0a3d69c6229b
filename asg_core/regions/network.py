"""The networks that can find regions, behind one pair of methods."""

import torch
from torch import nn

from asg_core.regions.config import ArchitectureConfig, TrainedBackend
from asg_core.regions.detectron2_backend import Detectron2Detector
from asg_core.regions.model import RegionDetector

Network = RegionDetector | Detectron2Detector
"""A module with `losses` for training and `detect` for prediction."""


def build_network(
    backend: TrainedBackend, architecture: ArchitectureConfig, *, size: int
) -> Network:
    """Return an untrained network for images of `size` x `size` pixels.

    Raises:
        ModuleNotFoundError: If the backend is detectron2 and it is not installed.
    """
    network: Network = (
        Detectron2Detector(architecture, size=size)
        if backend == "detectron2"
        else RegionDetector(architecture, size=size)
    )
    _to_channels_last(network)
    return network


def _to_channels_last(network: nn.Module) -> None:
    """Store filters channels last, which convolves faster in bf16."""
    network.to(memory_format=torch.channels_last)
