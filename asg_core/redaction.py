"""Addresses said without what is secret in them: user names, passwords, tokens.

Rejects are handed on with a data set, so paths are said without the folders of a machine.
Whatever says an address of the tracking store says it through `redact`: messages, logs,
dumps of the configuration, pages. The address itself goes to the client of the store only.
"""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, TextIO
from urllib.parse import unquote

URI_VARIABLE = "MLFLOW_TRACKING_URI"
HIDDEN = "***"

_SECRET_VARIABLES = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
_MIN_LENGTH = 4
"""Shorter secrets are hidden in addresses only: as text they could be part of any word."""

# What lies between the scheme and the last @, of which a password may be full. Where a path
# follows the scheme at once there is no host, and so no user: an @ is part of a name.
_USER = re.compile(r"([a-z][a-z0-9+.-]*://)(?!/)(\S*)@", re.IGNORECASE)
_PARAMETER = re.compile(
    r"([\w.-]*(?:passw|pwd|token|secret|credential|signature|odbc_connect|api[_-]?key"
    r"|access[_-]?key)[\w.-]*=)([^&;\s]+)",
    re.IGNORECASE,
)
# Folders from the root of a disk on, behind a blank, a quote or a bracket; in quotes they
# can hold blanks. A slash between words, of a date or of a web address begins none.
_FOLDERS = re.compile(
    r"""(?:(?<=['"])(?:file:)?/+[^'"\n]*/(?=[^'"/\n])"""
    r"""|(?<![\w./:\\~%-])(?:file:)?/+(?:[^\s/'"]+/+)*(?=[\w.~%-])"""
    r"""|(?<!\w)(?:[A-Za-z]:[\\/]+|\\\\+)(?:[^\s\\/'"]+[\\/]+)*(?=[\w.~%-]))"""
)


def without_folders(text: str) -> str:
    """Return a text with ".../name" for every absolute path in it."""
    return _FOLDERS.sub(".../", text) if "/" in text or "\\" in text else text


def has_secret(address: str) -> bool:
    """Return whether an address carries a user name, a password or a token."""
    return bool(_USER.search(address) or _PARAMETER.search(address))


def redact(text: str) -> str:
    """Return a text without the secrets of the addresses in it.

    Those of the environment's store are hidden wherever they stand, alone too.
    """
    found = _PARAMETER.sub(rf"\1{HIDDEN}", _USER.sub(rf"\1{HIDDEN}@", text))
    for secret in sorted(_known_secrets(), key=len, reverse=True):
        found = found.replace(secret, HIDDEN)
    return found


def redact_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested values as plain ones, every text of them redacted.

    A date, a path and whatever else JSON does not know becomes a text.
    """
    return {key: _redacted(value) for key, value in values.items()}


class RedactingStream:
    """A text stream that hides secrets in what is written to it, tracebacks included."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, redacted; return the length of the text that was given."""
        self._stream.write(redact(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever streams have
        return getattr(self._stream, name)


def _redacted(value: object) -> object:
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, Mapping):
        return redact_values(value)
    if isinstance(value, list | tuple):
        return [_redacted(item) for item in value]
    return redact(str(value))


def _known_secrets() -> Iterator[str]:
    """Yield the secrets of the environment, as they are written and as they are meant."""
    address = os.environ.get(URI_VARIABLE, "")
    found = [os.environ.get(name, "") for name in _SECRET_VARIABLES]
    found += [user.partition(":")[2] for _, user in _USER.findall(address)]
    found += [value for _, value in _PARAMETER.findall(address)]
    for secret in found:
        for spelling in {secret, unquote(secret)}:
            if len(spelling) >= _MIN_LENGTH:
                yield spelling
