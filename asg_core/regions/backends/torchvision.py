"""The Faster R-CNN of the torchvision backend: one box and one score per region."""

# Shape suffixes:
#   B = images, H W = rows and columns of the model frame, C = channels
#   P = proposals of one image, K = classes (0 is background), R = regions
#   L = labelled boxes of one image, 4 = x0 y0 x1 y1 in pixels of the model frame

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead

from asg_core.regions.backends.backbone import PyramidBackbone
from asg_core.regions.backends.boxes import Detections, LabelledBoxes, best_boxes
from asg_core.regions.backends.pooling import PatchPooling
from asg_core.regions.config import ArchitectureConfig
from asg_core.terms.regions import REGIONS

_GREY_MEAN = 0.5
_GREY_STD = 0.25


class TorchvisionDetector(nn.Module):
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

        See `best_boxes`; a proposal's score is the softmax over regions and background.
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


def _to_unit(image_BHW: Tensor) -> list[Tensor]:
    """Turn bytes into one float image of one channel, in [0, 1], per item."""
    return list((image_BHW.float() / 255).unsqueeze(1))
