"""The Faster R-CNN of the torchvision backend: one box and one score per region."""

# Shape suffixes:
#   B = images, H W = rows and columns of the model frame, C = channels
#   P = proposals of one image, K = classes (0 is background), R = regions
#   L = labelled boxes of one image, 4 = x0 y0 x1 y1 in pixels of the model frame

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import get_model
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.ops import (
    FeaturePyramidNetwork,
    FrozenBatchNorm2d,
    box_iou,
)

from asg_core.regions.config import ArchitectureConfig, Backbone
from asg_core.regions.pooling import PatchPooling
from asg_core.terms.regions import REGIONS

_GREY_MEAN = 0.5
_GREY_STD = 0.25
_GROUPS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledBoxes:
    """The boxes to learn in one image."""

    boxes_L4: Tensor
    region_L: Tensor
    """0-based indices of `terms.regions.REGIONS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detections:
    """The best box of every region in every image."""

    boxes_BR4: Tensor
    score_BR: Tensor
    """In [0, 1]; 0 where the network proposed nothing at all."""


class RegionDetector(nn.Module):
    """A Faster R-CNN over `REGIONS` for grey images of one fixed size."""

    def __init__(self, architecture: ArchitectureConfig, *, size: int) -> None:
        """Build the network with random weights for a model frame of `size` pixels."""
        super().__init__()
        backbone = PyramidBackbone(architecture)
        anchors = AnchorGenerator(
            sizes=tuple(
                tuple(share * size for share in group)
                for group in architecture.anchor_sizes
            ),
            aspect_ratios=(architecture.anchor_ratios,) * len(architecture.strides),
        )
        self.network = FasterRCNN(
            backbone,
            min_size=size,
            max_size=size,
            image_mean=[_GREY_MEAN],
            image_std=[_GREY_STD],
            rpn_anchor_generator=anchors,
            rpn_pre_nms_top_n_train=architecture.num_candidates,
            rpn_pre_nms_top_n_test=architecture.num_candidates,
            rpn_post_nms_top_n_train=architecture.num_proposals,
            rpn_post_nms_top_n_test=architecture.num_proposals,
            rpn_nms_thresh=architecture.proposal_overlap,
            rpn_batch_size_per_image=architecture.proposal_samples,
            box_head=TwoMLPHead(
                architecture.pyramid_width * architecture.roi_size**2,
                architecture.head_width,
            ),
            box_predictor=FastRCNNPredictor(architecture.head_width, len(REGIONS) + 1),
            box_batch_size_per_image=architecture.box_samples,
            box_positive_fraction=architecture.positive_share,
            # The pixel cache has the size already; torchvision would interpolate.
            _skip_resize=True,
        )
        # Set and not passed: FasterRCNN takes its own pooling class only.
        self.network.roi_heads.box_roi_pool = PatchPooling(
            strides=architecture.strides, patch_size=architecture.roi_size
        )

    def losses(
        self, image_BHW: Tensor, targets: Sequence[LabelledBoxes]
    ) -> dict[str, Tensor]:
        """Return the four losses of a batch by name, for a module in training mode."""
        labelled = [
            {"boxes": target.boxes_L4, "labels": to_class(target.region_L)}
            for target in targets
        ]
        losses: dict[str, Tensor] = self.network(_to_unit(image_BHW), labelled)
        return {name.removeprefix("loss_"): losses[name] for name in sorted(losses)}

    @torch.no_grad()
    def detect(self, image_BHW: Tensor, *, vote_overlap: float) -> Detections:
        """Return the best box of every region, for a module in evaluation mode.

        The box of a region is what this loop makes of the class scores and the decoded
        boxes of the proposals:

            best = the proposal with the greatest score for the region
            voters = proposals whose box has IoU >= vote_overlap with the box of best
            box = mean of the voters' boxes, weighted by their scores
            score = score of best
        """
        parts = self.network
        images, _ = parts.transform(_to_unit(image_BHW), None)
        features = parts.backbone(images.tensors)
        proposals, _ = parts.rpn(images, features, None)
        heads = parts.roi_heads
        patches = heads.box_roi_pool(features, proposals, images.image_sizes)
        logits_PK, deltas = heads.box_predictor(heads.box_head(patches))
        boxes_PK4 = heads.box_coder.decode(deltas.float(), proposals)
        counts = [len(proposal) for proposal in proposals]
        best = [
            best_boxes(score_PR, boxes_PR4, vote_overlap=vote_overlap)
            for score_PR, boxes_PR4 in zip(
                without_background(logits_PK.float().softmax(dim=-1)).split(counts),
                without_background(boxes_PK4).split(counts),
                strict=True,
            )
        ]
        return Detections(
            boxes_BR4=torch.stack([boxes_R4 for boxes_R4, _ in best]),
            score_BR=torch.stack([score_R for _, score_R in best]),
        )


def to_class(region_L: Tensor) -> Tensor:
    """Turn 0-based regions into torchvision's classes, where 0 is the background.

    This and `without_background` are the only places that know of the shift.
    """
    return region_L + 1


def without_background(values_PK: Tensor) -> Tensor:
    """Drop the background class: column r of what is left belongs to region r."""
    return values_PK[:, 1:]


def best_boxes(
    score_PR: Tensor, boxes_PR4: Tensor, *, vote_overlap: float
) -> tuple[Tensor, Tensor]:
    """Return the box (R, 4) and the score (R,) of every region in one image.

    See `RegionDetector.detect`; without any proposal all scores and corners are 0.
    """
    num_regions = score_PR.shape[1]
    if len(score_PR) == 0:
        return boxes_PR4.new_zeros(num_regions, 4), score_PR.new_zeros(num_regions)
    score_R, best_R = score_PR.max(dim=0)
    region_R = torch.arange(num_regions, device=best_R.device)
    best_R4 = boxes_PR4[best_R, region_R]
    overlap_RP = torch.stack(
        [
            box_iou(best_R4[region : region + 1], boxes_PR4[:, region])[0]
            for region in range(num_regions)
        ]
    )
    is_voter_RP = overlap_RP >= vote_overlap
    is_voter_RP[region_R, best_R] = True  # an empty box has IoU 0 with itself
    weight_RP = torch.where(is_voter_RP, score_PR.T, 0)
    weight_RP[region_R, best_R] += torch.finfo(weight_RP.dtype).tiny
    mean_R4 = torch.einsum("rp,prc->rc", weight_RP, boxes_PR4)
    return mean_R4 / weight_RP.sum(dim=1, keepdim=True), score_R


class PyramidBackbone(nn.Module):
    """A torchvision classifier's convolutions under a feature pyramid, for grey images.

    For each stride the pyramid takes the output of the last module with that stride.
    """

    def __init__(self, architecture: ArchitectureConfig) -> None:
        super().__init__()
        norm = _NORMS[architecture.norm]
        self.body = _convolutions(architecture.backbone, norm=norm)
        _make_grey(self.body)
        self._level_of, widths = _find_levels(self.body, strides=architecture.strides)
        self.pyramid = FeaturePyramidNetwork(
            widths,
            architecture.pyramid_width,
            norm_layer=_NORMS[_PYRAMID_NORMS[architecture.norm]],
        )
        self.out_channels = architecture.pyramid_width
        """torchvision's detectors read this name."""

    def forward(self, image_BCHW: Tensor) -> dict[str, Tensor]:
        """Return the levels of the pyramid by number, finest first."""
        taken: dict[str, Tensor] = {}
        features = image_BCHW
        for name, module in self.body.named_children():
            features = module(features)
            if name in self._level_of:
                taken[self._level_of[name]] = features
        levels: dict[str, Tensor] = self.pyramid(taken)
        return levels


def load_backbone_weights(backbone: PyramidBackbone, path: Path) -> None:
    """Fill the convolutions with a state dictionary of torchvision's classifier.

    The filters of the first convolution are summed over their colours, which gives a
    grey image the response that the same image would have as RGB.

    Raises:
        ValueError: If the file lacks a weight of the backbone or has another shape.
    """
    state = (
        load_file(path)
        if path.suffix == ".safetensors"
        else torch.load(path, map_location="cpu", weights_only=True)
    )
    own = backbone.body.state_dict()
    loaded: dict[str, Tensor] = {}
    for name, value in own.items():
        found = state.get(name, state.get(f"features.{name}"))
        if found is not None and found.dim() == 4 and found.shape[1] == 3:
            found = found.sum(dim=1, keepdim=True) if value.shape[1] == 1 else found
        if name.endswith("num_batches_tracked") and found is None:
            found = value
        if found is None or found.shape != value.shape:
            raise ValueError(
                f"{path}: expected the weight '{name}' with shape "
                f"{list(value.shape)}, found "
                f"{'none' if found is None else list(found.shape)}. Give the state "
                "dictionary of the torchvision model that architecture.backbone names."
            )
        loaded[name] = found
    backbone.body.load_state_dict(loaded)


def _group_norm(channels: int) -> nn.Module:
    return nn.GroupNorm(_GROUPS, channels)


_NORMS: dict[str, Any] = {
    "group": _group_norm,
    "batch": nn.BatchNorm2d,
    "frozen": FrozenBatchNorm2d,
}
# The pyramid is never pre-trained, so it has no statistics that could be frozen.
_PYRAMID_NORMS = {"group": "group", "batch": "batch", "frozen": "group"}


def _convolutions(backbone: Backbone, *, norm: Any) -> nn.Sequential:  # noqa: ANN401
    """Return the classifier's modules up to its last feature map, by their own names."""
    model = (
        ResNet(BasicBlock, [1, 1, 1, 1], norm_layer=norm)
        if backbone is Backbone.RESNET10
        else get_model(backbone.value, weights=None, norm_layer=norm)
    )
    if hasattr(model, "features"):
        children = list(model.features.named_children())
    else:
        children = [
            (name, module)
            for name, module in model.named_children()
            if name not in ("avgpool", "fc")
        ]
    body = nn.Sequential()
    for name, module in children:
        body.add_module(name, module)
    return body


def _make_grey(body: nn.Sequential) -> None:
    """Replace the first convolution, which expects three colours, by one for grey."""
    name, first = next(
        (name, module)
        for name, module in body.named_modules()
        if isinstance(module, nn.Conv2d)
    )
    grey = nn.Conv2d(
        1,
        first.out_channels,
        kernel_size=_pair(first.kernel_size),
        stride=_pair(first.stride),
        padding=_pair(first.padding),
        bias=first.bias is not None,
    )
    with torch.no_grad():
        grey.weight.copy_(first.weight.sum(dim=1, keepdim=True))
    parent, _, child = name.rpartition(".")
    setattr(body.get_submodule(parent), child, grey)


def _pair(sizes: tuple[int, ...] | str) -> tuple[int, int]:
    """Narrow what torch types as any number of sizes to the two of an image."""
    return int(sizes[0]), int(sizes[1])


def _find_levels(
    body: nn.Sequential, *, strides: Sequence[int]
) -> tuple[dict[str, str], list[int]]:
    """Return {module name: level} and the channels of the levels."""
    side = 64
    last: dict[int, tuple[str, int]] = {}
    was_training = body.training
    body.eval()
    with torch.no_grad():
        features = torch.zeros(1, 1, side, side)
        for name, module in body.named_children():
            features = module(features)
            last[side // features.shape[-1]] = (name, features.shape[1])
    body.train(was_training)
    level_of = {last[stride][0]: str(level) for level, stride in enumerate(strides)}
    return level_of, [last[stride][1] for stride in strides]


def _to_unit(image_BHW: Tensor) -> list[Tensor]:
    """Turn bytes into one float image of one channel, in [0, 1], per item."""
    return list((image_BHW.float() / 255).unsqueeze(1))
