"""The Chest ImaGenome layout: scene graphs of the frontal images, and the splits.

A scene graph repeats boxes twice, in the original frame and in a 224 x 224 letterbox,
both in whole pixels.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from asg_core.synthetic.layouts.broken import Damage
from asg_core.synthetic.world.world import Change
from asg_core.terms.existence import Existence
from asg_core.terms.regions import REGIONS, mirrored, region_index, side_of
from asg_core.terms.views import View

ROOT = "silver_dataset"
GRAPHS = f"{ROOT}/scene_graph"
SPLITS: Mapping[str, str] = {
    split: f"{ROOT}/splits/{split}.csv" for split in ("train", "valid", "test")
}
AVOID = f"{ROOT}/splits/images_to_avoid.csv"
COLUMNS: tuple[str, ...] = (
    "subject_id",
    "study_id",
    "dicom_id",
    "path",
    "ViewPosition",
)

_FRAME = 224
# Shares of train, valid and test in the real splits, which are not those of MIMIC-CXR;
# a few patients (the gold ones) are in none of the three.
_SHARES = {"train": 0.69, "valid": 0.10, "test": 0.20}
_PAIRED_REGIONS = tuple(
    region for region in REGIONS if side_of(region) and region != "right atrium"
)

ATTRIBUTES: dict[str, tuple[str, str]] = {
    "pleural effusion": ("anatomicalfinding", "pleural effusion"),
    "opacity": ("anatomicalfinding", "lung opacity"),
    "pneumothorax": ("anatomicalfinding", "pneumothorax"),
    "edema": ("anatomicalfinding", "pulmonary edema/hazy opacity"),
    "atelectasis": ("anatomicalfinding", "atelectasis"),
    "tube": ("tubesandlines", "endotracheal tube"),
    "consolidation": ("anatomicalfinding", "consolidation"),
    "enlarged cardiomediastinum": ("anatomicalfinding", "mediastinal widening"),
    "pneumonia": ("disease", "pneumonia"),
    "line": ("tubesandlines", "central intravascular lines"),
    "cardiomegaly": ("anatomicalfinding", "enlarged cardiac silhouette"),
    "fracture": ("anatomicalfinding", "bone lesion"),
    "calcification": ("anatomicalfinding", "calcified nodule"),
    "engorgement": ("anatomicalfinding", "vascular congestion"),
    "nodule": ("anatomicalfinding", "multiple masses/nodules"),
    "wire": ("device", "cabg grafts"),
    "pacemaker": ("device", "cardiac pacer and wires"),
    "pleural thicken": ("anatomicalfinding", "pleural/parenchymal scarring"),
    "marking": ("anatomicalfinding", "increased reticular markings/ild pattern"),
    "scar": ("anatomicalfinding", "pleural/parenchymal scarring"),
    "hyperinflate": ("anatomicalfinding", "hyperaeration"),
    "blunt": ("anatomicalfinding", "costophrenic angle blunting"),
    "collapse": ("anatomicalfinding", "lobar/segmental collapse"),
    "emphysema": ("disease", "copd/emphysema"),
    "mass": ("anatomicalfinding", "mass/nodule (not otherwise specified)"),
    "infiltration": ("anatomicalfinding", "infiltration"),
    "deformity": ("anatomicalfinding", "spinal degenerative changes"),
    "hernia": ("anatomicalfinding", "hernia"),
    "shift": ("anatomicalfinding", "mediastinal displacement"),
    "lesion": ("anatomicalfinding", "lung lesion"),
    "aspiration": ("disease", "aspiration"),
}
"""Category and label of each finding that a scene graph can say something about."""

_COMPARISONS = {
    Change.LARGER: "comparison|yes|worsened",
    Change.SMALLER: "comparison|yes|improved",
    Change.UNCHANGED: "comparison|yes|no change",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphImage:
    """The image that a scene graph is about."""

    image_id: str
    patient_id: str
    study_id: str
    view: View
    width: int
    height: int
    boxes: Mapping[str, tuple[float, float, float, float]]
    study_number: int
    """1-based number of the study among those of the patient."""

    sex: str
    age: int
    previous_image_id: str | None
    """First frontal image of the patient's earlier study."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphClaim:
    """What one sentence says about one finding in one region."""

    region: str
    finding: str
    existence: Existence
    sentence_index: int
    phrase: str
    """The sentence."""

    change: Change | None
    """Against the patient's earlier study."""


def encode_scene_graph(
    image: GraphImage, *, claims: Iterable[GraphClaim], damage: Damage | None
) -> bytes:
    """Return the JSON text of one scene graph.

    Claims about places without a box in the image are left out, as are those about
    findings that Chest ImaGenome has no attribute for.
    """
    boxes = damaged_boxes(image, damage=damage)
    told = [
        claim
        for claim in claims
        if claim.region in image.boxes and claim.finding in ATTRIBUTES
    ]
    graph = {
        "image_id": image.image_id,
        "viewpoint": image.view.value,
        "patient_id": int(image.patient_id),
        "study_id": int(image.study_id),
        "gender": image.sex,
        "age_decile": f"{image.age // 10 * 10}-{image.age // 10 * 10 + 10}",
        "StudyOrder": image.study_number,
        "objects": [_object(image, region, boxes[region]) for region in boxes],
        "attributes": _attributes(image, claims=told),
        "relationships": _relationships(image, claims=told),
    }
    return json.dumps(graph).encode()


def damaged_boxes(
    image: GraphImage, *, damage: Damage | None
) -> dict[str, tuple[int, int, int, int]]:
    """Return the boxes as the graph has them, in the order of the regions."""
    size = {"width": image.width, "height": image.height}
    ordered = sorted(image.boxes, key=region_index)
    boxes = {region: whole_box(image.boxes[region], **size) for region in ordered}
    target = damaged_region(image)
    x0, y0, x1, y1 = boxes[target]
    if damage is Damage.BOX_OUTSIDE_IMAGE:
        boxes[target] = (x0 + image.width, y0, x1 + image.width, y1)
    elif damage is Damage.BOX_WITHOUT_AREA:
        boxes[target] = (x0, y0, x0, y1)
    elif damage is Damage.SWAPPED_SIDES:
        paired = [region for region in _PAIRED_REGIONS if region in boxes]
        right_to_left = {region: boxes.get(mirrored(region)) for region in paired}
        boxes |= {name: box for name, box in right_to_left.items() if box is not None}
    return boxes


def damaged_region(image: GraphImage) -> str:
    """Return the region whose box is damaged when one box is to be."""
    return min(image.boxes, key=region_index)


def split_of(rng: np.random.Generator) -> str | None:
    """Draw the split of a patient; None for the patients of the gold part."""
    draw, below = rng.random(), 0.0
    for split, share in _SHARES.items():
        below += share
        if draw < below:
            return split
    return None


def whole_box(
    box: Sequence[float], *, width: int, height: int
) -> tuple[int, int, int, int]:
    """Round a box to whole pixels of an image of this size, at least one each way."""
    x0, y0 = min(round(box[0]), width - 1), min(round(box[1]), height - 1)
    return x0, y0, max(round(box[2]), x0 + 1), max(round(box[3]), y0 + 1)


def _object(
    image: GraphImage, region: str, box: tuple[int, int, int, int]
) -> dict[str, object]:
    ratio = _FRAME / max(image.width, image.height)
    left = (_FRAME - image.width * ratio) / 2
    top = (_FRAME - image.height * ratio) / 2
    small = [
        round(corner * ratio + offset)
        for corner, offset in zip(box, (left, top, left, top), strict=True)
    ]
    return {
        "object_id": _object_id(image.image_id, region),
        "x1": small[0],
        "y1": small[1],
        "x2": small[2],
        "y2": small[3],
        "width": small[2] - small[0],
        "height": small[3] - small[1],
        "bbox_name": region,
        "synsets": [],
        "name": region.capitalize(),
        "original_x1": box[0],
        "original_y1": box[1],
        "original_x2": box[2],
        "original_y2": box[3],
        "original_width": box[2] - box[0],
        "original_height": box[3] - box[1],
    }


def _attributes(
    image: GraphImage, *, claims: Iterable[GraphClaim]
) -> list[dict[str, object]]:
    """Return one entry per region, with parallel lists of one item per sentence."""
    said: dict[str, dict[int, list[GraphClaim]]] = {}
    for claim in claims:
        sentences = said.setdefault(claim.region, {})
        sentences.setdefault(claim.sentence_index, []).append(claim)
    entries: list[dict[str, object]] = []
    for region in sorted(said, key=region_index):
        indices = sorted(said[region])
        spoken = [said[region][index] for index in indices]
        entries.append(
            {
                "bbox_name": region,
                "synsets": [],
                "name": region.capitalize(),
                "attributes": [_attribute_names(group) for group in spoken],
                "attributes_ids": [[] for _ in indices],
                "phrases": [group[0].phrase for group in spoken],
                "phrase_IDs": [f"{image.study_id}|{index}" for index in indices],
                "sections": ["finalreport" for _ in indices],
                "comparison_cues": [_comparison_names(group) for group in spoken],
                "temporal_cues": [[] for _ in indices],
                "severity_cues": [[] for _ in indices],
                "texture_cues": [[] for _ in indices],
                "object_id": _object_id(image.image_id, region),
            }
        )
    return entries


def _attribute_names(claims: Iterable[GraphClaim]) -> list[str]:
    """Return what one sentence says of one region; as in the real graphs, hedged is "yes"."""
    names: list[str] = []
    for claim in claims:
        category, label = ATTRIBUTES[claim.finding]
        is_absent = claim.existence is Existence.ABSENT
        names.append(f"nlp|yes|{'normal' if is_absent else 'abnormal'}")
        names.append(f"{category}|{'no' if is_absent else 'yes'}|{label}")
    return list(dict.fromkeys(names))


def _comparison_names(claims: Iterable[GraphClaim]) -> list[str]:
    names = [
        _COMPARISONS[claim.change] for claim in claims if claim.change in _COMPARISONS
    ]
    return list(dict.fromkeys(names))


def _relationships(
    image: GraphImage, *, claims: Iterable[GraphClaim]
) -> list[dict[str, object]]:
    """Return the comparisons with the same region of the patient's earlier study."""
    if image.previous_image_id is None:
        return []
    entries: list[dict[str, object]] = []
    for claim in claims:
        names = _comparison_names([claim])
        if not names:
            continue
        number = f"{image.study_id}|{claim.sentence_index}|{len(entries)}"
        entries.append(
            {
                "relationship_id": f"{number}|{claim.region}",
                "predicate": f"['{names[0].rpartition('|')[2].upper()}']",
                "synsets": [],
                "relationship_names": names,
                "relationship_contexts": [1.0],
                "phrase": claim.phrase,
                "attributes": _attribute_names([claim]),
                "bbox_name": claim.region,
                "subject_id": _object_id(image.image_id, claim.region),
                "object_id": _object_id(image.previous_image_id, claim.region),
            }
        )
    return entries


def _object_id(image_id: str, region: str) -> str:
    return f"{image_id}_{region}"
