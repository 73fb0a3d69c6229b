"""Files of weights from elsewhere: which of their tensors are those of a network.

The checkpoints of the field keep an image encoder under a name of their own, such as
`state_dict.gloria.img_encoder.model.`, beside a text encoder, heads and an optimiser.
Nested dictionaries are read as one: the names of a tensor joined by dots. The prefix of
a network is looked for, and a tensor that is missing, of another shape or left over is
counted and named: weights that silently stay random give plausible scores.
"""

import argparse
import pickle
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

State = dict[str, Tensor]

_MAX_DEPTH = 4
"""Dictionaries in each other that are looked into."""

_LFS = b"version https://git-lfs"
_COUNTER = "num_batches_tracked"
"""Of batch norms: old files lack it, and torch then fills it in."""

_SHOWN = 3
"""Names that a message gives of each kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedWeights:
    """The tensors of a file under one prefix, beside those that a network wants."""

    prefix: str
    """Of the names in the file; "" where they stand alone."""

    state: State
    """Under the network's names."""

    wanted: tuple[str, ...]
    """Names that have to be there."""

    missing: tuple[str, ...]
    misshaped: tuple[str, ...]
    """Names whose tensors have another shape."""

    surplus: tuple[str, ...]
    """Names that belong to parts of the network that it does not have: more layers."""

    left_out: tuple[str, ...]
    """Other names under the prefix: a decoder, a classifier."""

    outside: tuple[str, ...]
    """Whole names of the file that do not start with the prefix."""

    @property
    def is_whole(self) -> bool:
        """Whether the network gets all of its weights and loses none of the file's."""
        return not (self.missing or self.misshaped or self.surplus)


def read_tensors(path: Path, *, where: str) -> State:
    """Return all tensors of a file by their whole names; no code from it is executed.

    Args:
        path: `.safetensors`, or what `torch.load` accepts with `weights_only`.
        where: The key that names the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it holds no tensors, or what is not loaded.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{where}: there is no file '{path}'")
    with path.open("rb") as file:
        is_pointer = file.read(len(_LFS)) == _LFS
    if is_pointer:
        raise ValueError(
            f"{where}: '{path}' is a pointer of Git LFS and not the file itself; fetch "
            "it with `git lfs pull`"
        )
    content = _load(path, where=where)
    if not isinstance(content, Mapping):
        raise ValueError(  # noqa: TRY004 - a file's fault and not the caller's
            f"{where}: expected a dictionary of tensors in '{path}', found "
            f"{type(content).__name__}; save the network's state dictionary"
        )
    tensors = dict(_flat(content))
    if not tensors:
        raise ValueError(
            f"{where}: '{path}' holds no tensor (keys: {_listed(map(str, content))}); "
            "name a file of weights"
        )
    return tensors


def fit_weights(
    tensors: State,
    network: nn.Module,
    *,
    adapt: Callable[[State], State],
    prefix: str | None,
    resized: frozenset[str] = frozenset(),
    unused: frozenset[str] = frozenset(),
) -> list[FittedWeights]:
    """Return the fits of a file's tensors to a network: all whole ones, else the nearest.

    Candidates are the prefixes under which most names of the network are found; where
    there are none, those of whole dictionaries, whose names `adapt` may translate.

    Args:
        tensors: By their whole names, at least one.
        network: What wants the weights.
        adapt: From published names and shapes to those of the network; what it raises
            (KeyError, RuntimeError, ...) means that the names are of something else.
        prefix: The only one to look at, or the end of it; None looks for it.
        resized: Names whose shape the caller adapts.
        unused: Parts that the network has no use for, such as its classifier.

    Raises:
        ValueError: If no name has the given prefix.
    """
    state = network.state_dict()
    wanted = {name: value for name, value in state.items() if _COUNTER not in name}
    fits = [
        _fit(
            tensors,
            network,
            wanted=wanted,
            adapt=adapt,
            prefix=candidate,
            resized=resized,
            unused=unused,
        )
        for candidate in _candidates(tensors, wanted, given=prefix)
    ]
    whole = [fit for fit in fits if fit.is_whole]
    nearest = min(fits, key=lambda fit: (len(fit.missing), len(fit.misshaped)))
    return whole or [nearest]


def choose_fit(
    fits: list[FittedWeights], *, where: str, path: Path, architecture: str
) -> FittedWeights:
    """Return the fit of a file, if it is whole and the only one.

    Args:
        fits: What `fit_weights` returned.
        where: The configuration of the encoder, with keys `weights` and `prefix`.
        path: The file.
        architecture: What the weights should be of.

    Raises:
        ValueError: If the file does not fit, or fits in several ways that differ.
    """
    first = fits[0]
    if not first.is_whole:
        raise ValueError(
            f"{where}.weights: '{path}' does not fit the architecture {architecture}: "
            f"{_what_differs(first, architecture=architecture)}"
        )
    if any(not _are_equal(first.state, fit.state) for fit in fits[1:]):
        found = ", ".join(f"'{fit.prefix}'" for fit in fits)
        raise ValueError(
            f"{where}.weights: '{path}' holds several encoders that fit the architecture "
            f"{architecture} and differ, under the prefixes {found}; name one of them in "
            f"{where}.prefix"
        )
    return first


def describe_fit(fit: FittedWeights) -> str:
    """Return what was taken from a file and what was left, for the log."""
    left = [f"{fit.prefix}{name}" for name in fit.left_out] + list(fit.outside)
    rest = f"{len(left)} others left out: {count_names(left)}" if left else "no others"
    return f"{len(fit.wanted)} tensors under the prefix '{fit.prefix}', {rest}"


def count_names(names: Iterable[str]) -> str:
    """Return how many names begin alike, the most frequent beginnings first.

    A beginning is as long as all names have it in common, and one part more.

    Args:
        names: At least one.
    """
    listed = list(names)
    shared = max(
        (
            start
            for start in _starts(listed[0])
            if all(name.startswith(listed[0][:start]) for name in listed)
        ),
        default=0,
    )
    counts = Counter(
        name[:shared] + _first_part(name[shared:]) for name in listed
    ).most_common()
    shown = ", ".join(f"'{name}' ({count})" for name, count in counts[: 2 * _SHOWN])
    return shown + (", ..." if len(counts) > 2 * _SHOWN else "")


def _load(path: Path, *, where: str) -> object:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        # What MAE and its heirs write beside the weights; it holds values only.
        with torch.serialization.safe_globals([argparse.Namespace]):
            content: object = torch.load(path, map_location="cpu", weights_only=True)
    except (
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        SafetensorError,
        ValueError,
    ) as error:
        raise ValueError(
            f"{where}: '{path}' is no file of tensors alone, or is damaged; what could "
            f"execute code is not loaded{_unsafe(path)}, so save its state dictionary as "
            f".safetensors where you trust it: {error}"
        ) from error
    return content


def _unsafe(path: Path) -> str:
    """Return the names of the objects that kept a file from being loaded, if any."""
    try:
        found = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError):
        return ""
    return f" (here {_listed(found)})" if found else ""


def _flat(
    content: Mapping[object, object], *, prefix: str = "", depth: int = 1
) -> Iterator[tuple[str, Tensor]]:
    """Yield tensors by their whole names; an optimiser's, under numbers, are not."""
    for key, value in content.items():
        if not isinstance(key, str):
            continue
        if isinstance(value, Tensor):
            yield prefix + key, value
        elif isinstance(value, Mapping) and depth < _MAX_DEPTH:
            yield from _flat(value, prefix=f"{prefix}{key}.", depth=depth + 1)


def _candidates(
    tensors: State, wanted: Mapping[str, Tensor], *, given: str | None
) -> list[str]:
    if given is not None:
        return _given_prefixes(tensors, given)
    counts = Counter(
        name[:start]
        for name in tensors
        for start in _starts(name)
        if name[start:] in wanted
    )
    whole = [prefix for prefix, count in counts.items() if count >= len(wanted)]
    if whole:
        return whole
    most = [prefix for prefix, count in counts.items() if 2 * count > len(wanted)]
    return most or [*_shared_prefixes(tensors), *(p for p, _ in counts.most_common(1))]


def _given_prefixes(tensors: State, given: str) -> list[str]:
    prefix = given if given.endswith(".") else f"{given}."
    if any(name.startswith(prefix) for name in tensors):
        return [prefix]
    found = {
        name[:start]
        for name in tensors
        for start in _starts(name)
        if name[:start].endswith(f".{prefix}")
    }
    if not found:
        raise ValueError(
            f"no key of {len(tensors)} has the prefix '{prefix}'; they begin with "
            f"{count_names(tensors)}"
        )
    return sorted(found)


def _starts(name: str) -> Iterator[int]:
    """Yield where the name after a prefix may start."""
    yield 0
    for place, letter in enumerate(name):
        if letter == ".":
            yield place + 1


def _shared_prefixes(tensors: State) -> list[str]:
    """Return "" and every prefix that all names of a dictionary of the file share."""
    found = {"": None}
    for first in {name.partition(".")[0] for name in tensors}:
        names = [name for name in tensors if name.partition(".")[0] == first]
        for start in _starts(names[0]):
            if all(name.startswith(names[0][:start]) for name in names):
                found[names[0][:start]] = None
    return list(found)


def _fit(
    tensors: State,
    network: nn.Module,
    *,
    wanted: Mapping[str, Tensor],
    adapt: Callable[[State], State],
    prefix: str,
    resized: frozenset[str],
    unused: frozenset[str],
) -> FittedWeights:
    inside = {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
    state = _adapted(inside, adapt)
    own = network.state_dict().keys()
    extra = [name for name in state if name not in own]
    # An attribute without tensors here, such as a scale that is switched off, counts.
    surplus = [
        name
        for name in extra
        if not name.startswith(tuple(f"{part}." for part in unused))
        and hasattr(network, name.partition(".")[0])
    ]
    return FittedWeights(
        prefix=prefix,
        state=state,
        wanted=tuple(wanted),
        missing=tuple(sorted(wanted.keys() - state.keys())),
        misshaped=tuple(
            f"'{name}' {tuple(state[name].shape)} for {tuple(value.shape)}"
            for name, value in wanted.items()
            if name in state
            and name not in resized
            and state[name].shape != value.shape
        ),
        surplus=tuple(sorted(surplus)),
        left_out=tuple(name for name in extra if name not in surplus),
        outside=tuple(name for name in tensors if not name.startswith(prefix)),
    )


def _adapted(state: State, adapt: Callable[[State], State]) -> State:
    try:
        return adapt(dict(state))
    except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError):
        # Names of something else; the counts of what is missing will say so.
        return state


def _what_differs(fit: FittedWeights, *, architecture: str) -> str:
    parts = []
    if fit.missing:
        parts.append(
            f"lacks {len(fit.missing)} tensors of {len(fit.wanted)} that {architecture} "
            f"has ({_listed(fit.missing)})"
        )
    if fit.misshaped:
        parts.append(
            f"has {len(fit.misshaped)} of another shape ({'; '.join(fit.misshaped[:_SHOWN])})"
        )
    if fit.surplus:
        parts.append(f"has {len(fit.surplus)} surplus ({_listed(fit.surplus)})")
    names = [*(fit.prefix + name for name in fit.state), *fit.outside]
    return (
        f"under the nearest prefix '{fit.prefix}' it {' and '.join(parts)}. The file "
        f"holds {len(names)} tensors, by the beginning of their names {count_names(names)}. "
        "Name the architecture, with its options, that the weights belong to, or another "
        "prefix."
    )


def _are_equal(state: State, other: State) -> bool:
    return state.keys() == other.keys() and all(
        torch.equal(value, other[name]) for name, value in state.items()
    )


def _first_part(name: str) -> str:
    first, dot, _ = name.partition(".")
    return first + dot


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    shown = ", ".join(f"'{name}'" for name in listed[:_SHOWN])
    return shown + (", ..." if len(listed) > _SHOWN else "")
