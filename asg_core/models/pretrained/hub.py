"""Names on the model hub: whether what they stand for can be had.

Asked before the first job; the hub's own package is imported only for a name that is
used, and torch never.
"""

import re
import subprocess
import sys
import urllib.error
import urllib.request
from enum import StrEnum
from pathlib import Path

_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
_TIMEOUT = 10.0
"""Seconds that the hub has to answer."""

_UNKNOWN_CODES = (401, 403, 404)
"""How the hub answers to a name that it does not have, or not for this user. With other
codes it is busy, broken, or a mirror that answers no such question."""

_ASK_TIMM = (
    "import sys; from timm.models import get_pretrained_cfg; "
    "print(get_pretrained_cfg(sys.argv[1]).hf_hub_id or '')"
)


class Found(StrEnum):
    """Where a name of the hub was found."""

    CACHE = "cache"
    HUB = "hub"
    UNKNOWN = "unknown"
    """The hub answers and knows no such name, or not for this user."""

    UNREACHABLE = "unreachable"
    OFFLINE = "offline"
    """HF_HUB_OFFLINE is set, and the cache has no such name."""


def is_hub_name(name: str) -> bool:
    """Tell whether a text can be a name of the hub: OWNER/NAME or NAME, and no folder."""
    is_name = _NAME.fullmatch(name) is not None and not name.startswith(".")
    return is_name and not Path(name).is_dir()


def timm_repository(architecture: str) -> str:
    """Return where timm keeps the weights of an architecture, or of which it is a part.

    A name without the tag of its weights stands for the tag that timm prefers.
    """
    return f"timm/{architecture}"


def published_repository(architecture: str) -> str | None:
    """Return where timm itself says that weights are; None where they are not on the hub.

    It is asked in a process of its own, which takes seconds: only where the usual place has
    nothing. Where timm cannot say, that is the usual place.
    """
    command = [sys.executable, "-c", _ASK_TIMM, architecture]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return timm_repository(architecture)
    return done.stdout.strip() or None


def look_up(repository: str, *, is_whole: bool = True, file: str = "*") -> Found:
    """Say where a repository of the hub is: in the cache, on the hub, or neither.

    Args:
        repository: OWNER/NAME or NAME.
        is_whole: Whether it is the name itself; else the cache may have any that starts
            so and goes on after a dot, and a hub that answers is enough.
        file: Pattern of what the cache has to hold of it.
    """
    from huggingface_hub import constants, get_token  # noqa: PLC0415 - seldom needed

    folder = f"models--{repository.replace('/', '--')}"
    folders = [folder] if is_whole else [folder, f"{folder}.*"]
    cache = Path(constants.HF_HUB_CACHE)
    if any(_has_file(cache, f"{name}/snapshots/*/{file}") for name in folders):
        return Found.CACHE
    if constants.HF_HUB_OFFLINE:
        return Found.OFFLINE
    token = get_token()
    request = urllib.request.Request(
        f"{constants.ENDPOINT}/api/models/{repository}",
        headers={"Authorization": f"Bearer {token}"} if token else {},
        method="HEAD",
    )
    try:
        urllib.request.urlopen(request, timeout=_TIMEOUT).close()
    except urllib.error.HTTPError as error:
        is_unknown = is_whole and error.code in _UNKNOWN_CODES
        return Found.UNKNOWN if is_unknown else Found.HUB
    except OSError:
        return Found.UNREACHABLE
    return Found.HUB


def _has_file(folder: Path, pattern: str) -> bool:
    return any(path.is_file() for path in folder.glob(pattern))
