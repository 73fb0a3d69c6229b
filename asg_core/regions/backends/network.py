"""The networks that can find regions, behind one pair of methods."""

import torch

from asg_core.regions.backends.backbone import load_backbone_weights
from asg_core.regions.backends.detectron2 import Detectron2Detector
from asg_core.regions.backends.detectron2_support import detectron2_problems
from asg_core.regions.backends.torchvision import TorchvisionDetector
from asg_core.regions.config import (
    ArchitectureConfig,
    DetectorTrainingConfig,
    TrainedBackend,
)

Network = TorchvisionDetector | Detectron2Detector
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
        else TorchvisionDetector(architecture, size=size)
    )
    # Filters that are stored channels last convolve faster in bf16.
    network.to(memory_format=torch.channels_last)
    return network


def start_network(
    backend: TrainedBackend, config: DetectorTrainingConfig, *, size: int
) -> Network:
    """Return the network that a training begins with, on its device.

    What no file of weights fills is drawn from torch's global generator.

    Raises:
        ModuleNotFoundError: If the backend is detectron2 and it is not installed.
        ValueError: If the backend cannot follow the configuration.
    """
    if backend == "detectron2" and (problems := list(detectron2_problems(config))):
        raise ValueError("\n".join(problems))
    network = build_network(backend, config.architecture, size=size)
    if config.backbone_weights is not None and isinstance(network, TorchvisionDetector):
        load_backbone_weights(network.network.backbone, config.backbone_weights)
    return network.to(config.device).train()
