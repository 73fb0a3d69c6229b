"""How findings, breathing and turning bend a chest."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fracture:
    """A broken bone."""

    place: str
    """A clavicle or the ribs of a side."""

    number: int
    """0-based number of the rib; 0 for a clavicle."""

    where: float
    """Fraction of the bone's length from its inner end."""

    step: float
    """How far the outer piece is displaced downwards, anatomy units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """How findings, breathing and turning bend the outlines; all zero is normal."""

    heart_growth: float = 0.0
    """0 is normal, 1 a heart about half as wide again."""

    widening: float = 0.0
    """0 is normal, 1 a very wide upper mediastinum."""

    mediastinum_shift: float = 0.0
    """x by which heart, mediastinum and trachea move."""

    trachea_shift: float = 0.0
    """x by which the trachea moves at the level of the aortic arch."""

    inflation: float = 0.0
    """-1 is a poor breath, 1 hyperinflated lungs with flat diaphragms."""

    scoliosis: float = 0.0
    """x amplitude of the spine's curve."""

    hernia: float = 0.0
    """Share of the stomach that lies above the diaphragm."""

    fractures: tuple[Fracture, ...] = ()

    turn: float = 0.0
    """x by which the front of the chest moves against its back."""
