"""The Faster R-CNN of detectron2 behind the same two methods as `TorchvisionDetector`.

detectron2 is optional and installed from source by the user; it is imported when the
first network is built. Its trainer, mappers and checkpoints are not used: samples, loop
and files are those of the torchvision backend, so the two differ by the network only.
Its classes are 0-based and put the background last, so regions keep their numbers.
"""

# Shape suffixes:
#   B = images, H W = rows and columns of the model frame, C = channels
#   N = detections of one image, R = regions, 4 = x0 y0 x1 y1 in the model frame

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from asg_core.regions.backends.boxes import Detections, LabelledBoxes, best_boxes
from asg_core.regions.backends.detectron2_support import (
    DEPTHS,
    INSTALL,
    NORMS,
    architecture_problems,
)
from asg_core.regions.config import ArchitectureConfig, Backbone
from asg_core.terms.regions import REGIONS

_OUTDATED = (
    (r"`torch\.jit\.script` is deprecated", FutureWarning),
    (r"torch\.meshgrid: in an upcoming release", UserWarning),
)
"""What torch says of detectron2's own code, which nobody who reads a log can change."""

_GREY_MEAN = 127.5
_GREY_STD = 63.75
_MIN_SCORE = 0.001


class Detectron2Detector(nn.Module):
    """A detectron2 Faster R-CNN over `REGIONS` for grey images of one fixed size."""

    def __init__(self, architecture: ArchitectureConfig, *, size: int) -> None:
        """Build the network with random weights for a model frame of `size` pixels.

        Raises:
            ModuleNotFoundError: If detectron2 is not installed.
            ValueError: If detectron2 cannot build the architecture.
        """
        super().__init__()
        modeling = _import("detectron2.modeling")
        config = make_detectron2_config(architecture, size=size)
        self.network: nn.Module = modeling.build_model(config)

    def losses(
        self, image_BHW: Tensor, targets: Sequence[LabelledBoxes]
    ) -> dict[str, Tensor]:
        """Return the losses of a batch by name, for a module in training mode."""
        structures = _import("detectron2.structures")
        events = _import("detectron2.utils.events")
        inputs = _to_inputs(image_BHW)
        for item, target in zip(inputs, targets, strict=True):
            item["instances"] = structures.Instances(
                tuple(image_BHW.shape[1:]),
                gt_boxes=structures.Boxes(target.boxes_L4),
                gt_classes=target.region_L,
            )
        # detectron2's parts log to whatever storage is open, and fail where none is.
        with events.EventStorage(), _without_outdated():
            losses: dict[str, Tensor] = self.network(inputs)
        return {name.removeprefix("loss_"): losses[name] for name in sorted(losses)}

    @torch.no_grad()
    def detect(self, image_BHW: Tensor, *, vote_overlap: float) -> Detections:
        """Return the best box of every region, for a module in evaluation mode."""
        inference: Any = self.network.inference
        with _without_outdated():
            instances = inference(_to_inputs(image_BHW), do_postprocess=False)
        found = [
            _best_of_image(of_image, vote_overlap=vote_overlap)
            for of_image in instances
        ]
        return Detections(
            boxes_BR4=torch.stack([boxes_R4 for boxes_R4, _ in found]),
            score_BR=torch.stack([score_R for _, score_R in found]),
        )


def make_detectron2_config(architecture: ArchitectureConfig, *, size: int) -> Any:  # noqa: ANN401
    """Return detectron2's configuration of the same architecture, from scratch.

    Raises:
        ModuleNotFoundError: If detectron2 is not installed.
        ValueError: If detectron2 cannot build the architecture.
    """
    config = _import("detectron2.config").get_cfg()
    _set_input(config, size=size)
    _set_backbone(config, architecture)
    levels = [f"p{int(math.log2(stride))}" for stride in architecture.strides]
    model = config.MODEL
    model.ANCHOR_GENERATOR.SIZES = [
        [share * size for share in group] for group in architecture.anchor_sizes
    ]
    model.ANCHOR_GENERATOR.ASPECT_RATIOS = [list(architecture.anchor_ratios)]
    model.RPN.IN_FEATURES = levels
    model.RPN.PRE_NMS_TOPK_TRAIN = architecture.num_candidates
    model.RPN.PRE_NMS_TOPK_TEST = architecture.num_candidates
    model.RPN.POST_NMS_TOPK_TRAIN = architecture.num_proposals
    model.RPN.POST_NMS_TOPK_TEST = architecture.num_proposals
    model.RPN.NMS_THRESH = architecture.proposal_overlap
    model.RPN.BATCH_SIZE_PER_IMAGE = architecture.proposal_samples
    heads = model.ROI_HEADS
    heads.NAME = "StandardROIHeads"
    heads.IN_FEATURES = levels
    heads.NUM_CLASSES = len(REGIONS)
    heads.BATCH_SIZE_PER_IMAGE = architecture.box_samples
    heads.POSITIVE_FRACTION = architecture.positive_share
    # Near-duplicates stay: they vote on the corners of the best box.
    heads.NMS_THRESH_TEST = 1.0
    heads.SCORE_THRESH_TEST = _MIN_SCORE
    config.TEST.DETECTIONS_PER_IMAGE = architecture.num_proposals * len(REGIONS)
    box_head = model.ROI_BOX_HEAD
    box_head.NAME = "FastRCNNConvFCHead"
    box_head.NUM_FC = 2
    box_head.FC_DIM = architecture.head_width
    box_head.POOLER_RESOLUTION = architecture.roi_size
    box_head.POOLER_SAMPLING_RATIO = 2
    return config


def _set_input(config: Any, *, size: int) -> None:  # noqa: ANN401
    """Take grey images as they are; the number of means is the number of channels."""
    config.INPUT.FORMAT = "L"
    # The default mirrors half of the images, which would teach left as right.
    config.INPUT.RANDOM_FLIP = "none"
    config.INPUT.MIN_SIZE_TRAIN = (size,)
    config.INPUT.MAX_SIZE_TRAIN = size
    config.INPUT.MIN_SIZE_TEST = size
    config.INPUT.MAX_SIZE_TEST = size
    config.MODEL.PIXEL_MEAN = [_GREY_MEAN]
    config.MODEL.PIXEL_STD = [_GREY_STD]
    config.MODEL.WEIGHTS = ""
    config.MODEL.DEVICE = "cpu"  # the caller moves it


def _set_backbone(config: Any, architecture: ArchitectureConfig) -> None:  # noqa: ANN401
    problems = list(architecture_problems(architecture))
    if problems:
        raise ValueError("\n".join(problems))
    model = config.MODEL
    model.BACKBONE.NAME = "build_resnet_fpn_backbone"
    # Frozen layers and frozen statistics would stay random: nothing is pre-trained.
    model.BACKBONE.FREEZE_AT = 0
    model.RESNETS.NORM = NORMS[architecture.norm]
    model.RESNETS.DEPTH = DEPTHS[architecture.backbone]
    if architecture.backbone is not Backbone.RESNET50:
        model.RESNETS.RES2_OUT_CHANNELS = 64
    # detectron2 builds its coarsest level from res5, so the pyramid reaches down to it.
    first = int(math.log2(architecture.strides[0]))
    stages = [f"res{number}" for number in range(first, 6)]
    model.RESNETS.OUT_FEATURES = stages
    model.FPN.IN_FEATURES = stages
    model.FPN.OUT_CHANNELS = architecture.pyramid_width
    model.FPN.NORM = "GN" if architecture.norm == "group" else ""


def _import(name: str) -> Any:  # noqa: ANN401
    try:
        with _without_outdated():
            return import_module(name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"regions.backend 'detectron2' needs the module '{error.name}', which is not "
            f"installed. {INSTALL}; or set regions.backend to 'torchvision'.",
            name=error.name,
        ) from error


@contextmanager
def _without_outdated() -> Iterator[None]:
    with warnings.catch_warnings():
        for message, category in _OUTDATED:
            warnings.filterwarnings("ignore", message, category)
        yield


def _to_inputs(image_BHW: Tensor) -> list[dict[str, Any]]:
    """Return one dictionary per image, grey values 0 to 255 in one channel."""
    return [{"image": image_CHW} for image_CHW in image_BHW.float().unsqueeze(1)]


def _best_of_image(
    instances: Any,  # noqa: ANN401
    *,
    vote_overlap: float,
) -> tuple[Tensor, Tensor]:
    """Return the box and the score of every region; a region not found scores 0."""
    boxes_N4: Tensor = instances.pred_boxes.tensor.float()
    score_N: Tensor = instances.scores.float()
    class_N: Tensor = instances.pred_classes
    boxes, scores = [], []
    for region in range(len(REGIONS)):
        is_here_N = class_N == region
        box_R4, score_R = best_boxes(
            score_N[is_here_N].unsqueeze(1),
            boxes_N4[is_here_N].unsqueeze(1),
            vote_overlap=vote_overlap,
        )
        boxes.append(box_R4[0])
        scores.append(score_R[0])
    return torch.stack(boxes), torch.stack(scores)
