"""Whether this machine has GPUs, told without a framework.

Importing torch to ask takes seconds, and would be done whenever the graph of jobs is
built. Looked for are the devices that a driver makes: that torch was built for them, and
that their driver is new enough for it, only the job can tell.
"""

import os
import re
from pathlib import Path

_DEVICES = ("nvidia[0-9]*", "dxg", "nvhost-gpu", "nvgpu")
"""NVIDIA's own, of a Windows machine seen from its Linux, and of boards with one GPU."""

_AMD = "kfd"
"""AMD's driver, whose GPUs torch calls cuda too; how many there are it does not say."""


def count_gpus(devices: Path = Path("/dev")) -> int | None:
    """Return how many GPUs there are for torch's device `cuda`; None: some, not known.

    CUDA_VISIBLE_DEVICES hides those that it does not name.

    Args:
        devices: Where drivers show their devices.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    found = [
        path
        for pattern in _DEVICES
        for path in devices.glob(pattern)
        if re.fullmatch(r"nvidia\d+", path.name) or not path.name.startswith("nvidia")
    ]
    if visible is not None:
        return _count_named(visible) if found or _has_amd(devices) else 0
    if _has_amd(devices) and not found:
        return None
    return len(found)


def _has_amd(devices: Path) -> bool:
    return (devices / _AMD).exists()


def _count_named(visible: str) -> int:
    """Return how many devices a list names: those before the first that is none."""
    names = [name.strip() for name in visible.split(",")]
    count = 0
    for name in names:
        if not name or name.startswith("-"):
            break
        count += 1
    return count
