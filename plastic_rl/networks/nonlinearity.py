"""The modules between two linear layers: a normalisation, a non-linearity and dropout, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from plastic_rl.choices import Activation
from plastic_rl.networks.activations import SmoothLeakyReLU, leaky_relu, prelu
from plastic_rl.networks.normalization import normalization_of
from plastic_rl.validation import one_of

ACTIVATIONS: dict[Activation, Callable[..., nn.Module]] = {
    Activation.relu: nn.ReLU,
    Activation.leaky_relu: leaky_relu,
    Activation.smooth_leaky_relu: SmoothLeakyReLU,
    Activation.prelu: prelu,
}

SETTINGS: dict[Activation, tuple[str, ...]] = {
    Activation.leaky_relu: ("slope",),
    Activation.smooth_leaky_relu: ("slope", "sharpness"),
    Activation.prelu: ("initial_slope",),
}


def nonlinearity(
    units: int | None = None, *, normalization: str | None = None, activation: str = "relu", **settings: Any
) -> list[nn.Module]:
    """The modules that follow a hidden linear layer, in order.

    Args:
        units: of the layer; None if nobody knows yet.
        normalization: "layer" or "batch" normalises what goes into the non-linearity, without weights of its own.
        activation: one of :class:`plastic_rl.choices.Activation`.
        settings: of the non-linearity.

    Raises:
        ValueError: there is no normalisation or non-linearity of that name, or a setting is out of range.
    """
    kind = one_of("activation", Activation, activation)
    known = SETTINGS.get(kind, ())
    for name in settings.keys() - set(known):
        raise ValueError(f"{kind} has no {name}: it takes {', '.join(known) or 'no setting'}")
    made = ACTIVATIONS[kind](**settings)
    return [made] if normalization is None else [normalization_of(units, normalization), made]
