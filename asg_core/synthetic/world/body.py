"""What is particular about one patient's chest, and the same in all of their images.

Lengths are in anatomy units: the whole film is about 1 wide, the midline is x = 0, the
carina is near y = -0.11, x grows towards the patient's left and y towards the feet.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The anatomy of one patient, as deviations from an average one."""

    cage_half_width: float
    """Half of the inner width of the rib cage at its widest, anatomy units."""

    lung_top: float
    """y of the lung apices."""

    lung_bottom: float
    """y of the costophrenic angles in full inspiration."""

    lung_taper: float
    """How much narrower than average the upper chest is; 0 is average."""

    dome_heights: tuple[float, float]
    """Height of the right and left hemidiaphragm above the costophrenic angle."""

    heart_size: float
    """Scale of the heart; 1 gives a cardiothoracic ratio of about 0.45."""

    heart_tilt: float
    """Rotation of the heart's long axis, radians; positive is more upright."""

    aorta_size: float
    """Scale of the aortic knob; grows with age."""

    fat: float
    """Thickness of the chest wall outside the ribs, anatomy units."""

    breast: float
    """Size of the breast shadows in [0, 1]; 0 draws none."""

    shoulder_drop: float
    """How far the shoulders slope below the neck, anatomy units."""

    rib_slope: float
    """Drop of a rib from its posterior to its anterior end, 1 is average."""

    rib_density: float
    """Contrast of the bones, 1 is average."""

    spine_sway: float
    """Sideways curve of a healthy spine, anatomy units."""

    trachea_offset: float
    """x of the trachea at the level of the aortic arch."""

    hilum_height: float
    """y of the left hilum; the right one is a little lower."""

    vessel_density: float
    """Contrast of the lung vessels, 1 is average."""

    stomach_gas: float
    """Size of the gastric bubble, 0 is none."""

    thickness: float
    """Attenuation of the torso, 1 is average."""

    seed: int
    """Seeds what has no parameter of its own: vessel tree, bowel gas, rib jitter."""


def sample_body(rng: np.random.Generator) -> Body:
    """Draw a patient; consumes the same number of values whatever comes out."""

    def around(mean: float, spread: float) -> float:
        return float(mean + spread * np.clip(rng.standard_normal(), -2.2, 2.2))

    dome = around(0.098, 0.014)
    has_breasts = rng.random() < 0.5
    breast = float(rng.uniform(0.25, 1.0))
    return Body(
        cage_half_width=around(0.335, 0.014),
        lung_top=around(-0.345, 0.014),
        lung_bottom=around(0.300, 0.020),
        lung_taper=around(0.0, 0.035),
        dome_heights=(dome + around(0.012, 0.006), dome),
        heart_size=around(1.0, 0.055),
        heart_tilt=around(0.0, 0.09),
        aorta_size=around(1.0, 0.14),
        fat=float(np.clip(0.060 + 0.026 * rng.standard_exponential(), 0.050, 0.14)),
        breast=breast if has_breasts else 0.0,
        shoulder_drop=around(0.075, 0.02),
        rib_slope=around(1.0, 0.13),
        rib_density=around(1.0, 0.14),
        spine_sway=around(0.0, 0.004),
        trachea_offset=around(-0.006, 0.006),
        hilum_height=around(-0.052, 0.010),
        vessel_density=around(1.0, 0.13),
        stomach_gas=float(max(0.0, rng.normal(0.8, 0.55))),
        thickness=around(1.0, 0.05),
        seed=int(rng.integers(2**62)),
    )
