"""The modules between two linear layers: a normalisation, a non-linearity and dropout, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from plastic_rl.choices import Activation
from plastic_rl.networks.activations import (
    AID,
    CReLU,
    Dropout,
    FourierFeatures,
    Rational,
    SmoothLeakyReLU,
    leaky_relu,
    prelu,
)
from plastic_rl.networks.normalization import normalization_of
from plastic_rl.validation import one_of

ACTIVATIONS: dict[Activation, Callable[..., nn.Module]] = {
    Activation.relu: nn.ReLU,
    Activation.leaky_relu: leaky_relu,
    Activation.smooth_leaky_relu: SmoothLeakyReLU,
    Activation.prelu: prelu,
    Activation.crelu: CReLU,
    Activation.fourier: FourierFeatures,
    Activation.aid: AID,
    Activation.rational: Rational,
}

SETTINGS: dict[Activation, tuple[str, ...]] = {
    Activation.leaky_relu: ("slope",),
    Activation.smooth_leaky_relu: ("slope", "sharpness"),
    Activation.prelu: ("initial_slope",),
    Activation.aid: ("probability",),
}


def nonlinearity(
    units: int | None = None,
    *,
    normalization: str | None = None,
    activation: str = "relu",
    dropout: float | None = None,
    **settings: Any,
) -> list[nn.Module]:
    """The modules that follow a hidden linear layer, in order.

    Args:
        units: outputs of the layer; None if nobody knows yet.
        normalization: "layer" or "batch" normalises what goes into the non-linearity, without weights of its own.
        activation: one of :class:`plastic_rl.choices.Activation`.
        dropout: the rate of dropout behind the non-linearity.
        settings: of the non-linearity.

    Raises:
        ValueError: there is no normalisation or non-linearity of that name, or a setting is out of range.
    """
    kind = one_of("activation", Activation, activation)
    known = SETTINGS.get(kind, ())
    for name in settings.keys() - set(known):
        expected = ", ".join(("normalization", "activation", "dropout", *known))
        raise ValueError(f"there is no setting {name} of a non-linearity, here {kind}; there are {expected}")
    before = [] if normalization is None else [normalization_of(units, normalization)]
    behind = [] if dropout is None else [Dropout(dropout)]
    return [*before, ACTIVATIONS[kind](**settings), *behind]


def outputs_before(columns: int, activation: str) -> int:
    """The number of outputs of a layer behind whose non-linearity a reader takes in so many numbers.

    Args:
        columns: what the reader takes in.
        activation: one of :class:`plastic_rl.choices.Activation`; some give two numbers for each output.

    Raises:
        ValueError: two for each cannot make an odd number.
    """
    kind = one_of("activation", Activation, activation)
    if kind.doubles and columns % 2:
        raise ValueError(f"{kind} gives two numbers for each unit: the width of a layer must be even, got {columns}")
    return columns // 2 if kind.doubles else columns
