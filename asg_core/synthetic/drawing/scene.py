"""The layers of a radiograph while it is being drawn.

Values are attenuation: what a layer adds to (`air`: takes from) the shadow of the body.
The average torso is 1, and layers add up, as log attenuation does.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from asg_core.synthetic.drawing.canvas import Canvas, Floats, Points

_MASK_LEVEL = 0.3  # where a finding that fades out is said to end


@dataclass(slots=True, kw_only=True)
class Scene:
    """Layers that anatomy and findings draw on; they change while drawing."""

    canvas: Canvas
    soft: Floats
    """Torso, heart, mediastinum, breasts and fluid."""

    bone: Floats
    metal: Floats
    """Devices: not softened by scatter."""

    air: Floats
    """What the air of the lungs takes away."""

    vessels: Floats
    lungs: dict[str, Floats]
    """The lung of each side, 1 inside; in a lateral image the two are alike."""

    places: dict[str, Points]
    """Outlines of the places where findings can be drawn."""

    outlines: dict[str, Points]
    """The outline of the lung of each side."""

    guides: dict[str, Points]
    """Lines that devices follow and findings hang on: "trachea", "svc", "sternum",
    "spine", "aortic arch", "right clavicle", "left clavicle", "right hilum", ..."""

    breaks: dict[str, list[tuple[Points, float]]]
    """Place -> broken bones: centre line and the fraction of it where it broke."""

    tips: dict[str, Points] = field(default_factory=dict)
    """Place -> where the tip of a device lies in it."""

    masks: dict[str, npt.NDArray[np.bool_]] = field(default_factory=dict)

    def lung(self, side: str | None) -> Floats:
        """Return the lung of a side, or both lungs."""
        if side is not None:
            return self.lungs[side]
        return np.maximum(self.lungs["right"], self.lungs["left"])

    def mark(self, finding: str, weight: Floats, *, level: float = _MASK_LEVEL) -> None:
        """Add the area where `weight` exceeds `level` to the finding's mask."""
        area = weight > level
        known = self.masks.get(finding)
        self.masks[finding] = area if known is None else known | area

    def flood(self, weight: Floats, *, share: float) -> None:
        """Replace a share of the air by fluid where `weight` is 1, hiding vessels."""
        taken = np.float32(share) * weight
        self.air *= 1.0 - taken
        self.vessels *= 1.0 - np.minimum(1.15 * taken, 1.0)
