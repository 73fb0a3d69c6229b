"""Weights for a network of timm: from a file of any source, or published by timm."""

import inspect
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from asg_core.models.config import ImageEncoderConfig
from asg_core.models.pretrained.weights import (
    State,
    choose_fit,
    describe_fit,
    fit_weights,
    read_tensors,
)

logger = logging.getLogger(__name__)

TimmNetwork = Any
"""A network of timm: an `nn.Module` whose attributes differ by architecture."""


def load_network_weights(
    network: TimmNetwork,
    path: Path,
    *,
    channels: int,
    prefix: str | None = None,
    where: str,
) -> None:
    """Load a file of weights for an architecture of timm, adapted by timm's own rules.

    The network's tensors are looked for in the file, see `asg_core.models.pretrained.weights`. A
    classifier is left out, position embeddings are resampled, the first layer follows the
    number of channels. No code from the file is executed.

    Args:
        network: A network without classifier, made by timm.
        path: `.safetensors`, or what `torch.load` accepts with `weights_only`.
        channels: Input channels of the network.
        prefix: What stands before the network's names in the file; None looks for it.
        where: The key of the encoder's configuration.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file holds other weights, misses some, or holds several.
    """
    known = network.pretrained_cfg
    tensors = read_tensors(path, where=f"{where}.weights")
    try:
        fits = fit_weights(
            tensors,
            network,
            adapt=lambda state: _adapted(state, network),
            prefix=prefix,
            resized=frozenset(
                f"{name}.weight" for name in _listed(known.get("first_conv"))
            ),
            unused=frozenset(_listed(known.get("classifier"))),
        )
    except ValueError as error:
        raise ValueError(f"{where}.prefix: '{path}': {error}") from error
    architecture = known["architecture"]
    fit = choose_fit(fits, where=where, path=path, architecture=architecture)
    try:
        missing = _load_into(
            network,
            {**known, "state_dict": _own_part(fit.state, network), "source": ""},
            channels=channels,
        )
    except RuntimeError as error:
        raise ValueError(
            f"{where}.weights: '{path}' does not fit the architecture {architecture}: "
            f"{error}"
        ) from error
    # timm drops a first layer that it cannot adapt, and says so in its log only.
    if missing:
        raise ValueError(
            f"{where}.weights: timm could not adapt {missing} of '{path}' to {channels} "
            f"channels of {architecture}; set channels to those of the weights"
        )
    logger.info("%s: from '%s' %s", architecture, path, describe_fit(fit))


def load_published_weights(
    network: TimmNetwork, config: ImageEncoderConfig, *, where: str
) -> None:
    """Load the weights that timm names for a network, from its hub or the hub's cache.

    Raises:
        ValueError: If they cannot be had, or if some of the network's are not among them.
    """
    try:
        missing = _load_into(
            network,
            network.pretrained_cfg,
            channels=config.channels,
            adapt=lambda state: _adapted(state, network),
        )
    except (KeyError, OSError, RuntimeError) as error:
        raise ValueError(
            f"{where}.pretrained: expected weights that fit '{config.name}' on the model "
            f"hub or in its cache, found {type(error).__name__}: {error}. Name a file in "
            f"{where}.weights, or fill the cache where there is a network (with "
            "HF_HUB_OFFLINE=1 nothing is fetched)"
        ) from error
    # timm fills in what it has and says the rest in its log only.
    if missing:
        raise ValueError(
            f"{where}.pretrained: the published weights of '{config.name}' lack "
            f"{len(missing)} tensors, such as '{missing[0]}', which would stay as they "
            "were drawn; leave out the options that add them"
        )


def _load_into(
    network: TimmNetwork,
    known: Mapping[str, Any],
    *,
    channels: int,
    adapt: Callable[[State], State] | None = None,
) -> list[str]:
    """Let timm load weights; return the names of tensors that it has none for."""
    import timm.models  # noqa: PLC0415 - takes seconds, and grey values as features need none

    missing: list[str] = []

    def note_missing(_: nn.Module, keys: Any) -> None:  # noqa: ANN401 - a private type
        missing.extend(keys.missing_keys)

    handle = network.register_load_state_dict_post_hook(note_missing)
    further: dict[str, Any] = {}
    if adapt is not None:
        further["filter_fn"] = lambda state, _: adapt(state)
    try:
        timm.models.load_pretrained(
            network, dict(known), num_classes=0, in_chans=channels, **further
        )
    finally:
        handle.remove()
    return missing


def _adapted(state: State, network: TimmNetwork) -> State:
    """Return published weights as timm turns them into those of its architecture."""
    module = sys.modules[type(network).__module__]
    adapt: Callable[..., State] | None
    adapt = getattr(module, "checkpoint_filter_fn", None)
    if adapt is None:
        return state
    accepted = inspect.signature(adapt).parameters
    # What timm itself adds for the third DeiT, whose scales have names of their own.
    further = {"adapt_layer_scale": True} if "adapt_layer_scale" in accepted else {}
    adapted: State = (
        adapt(state, network, **further) if len(accepted) > 1 else adapt(state)
    )
    return adapted


def _own_part(state: State, network: TimmNetwork) -> State:
    """Return the tensors that the network has a place for: timm refuses others of some."""
    own = network.state_dict()
    return {name: value for name, value in state.items() if name in own}


def _listed(names: str | Sequence[str] | None) -> Sequence[str]:
    """Return what timm gives as one name, as several, or not at all."""
    if names is None:
        return ()
    return (names,) if isinstance(names, str) else names
