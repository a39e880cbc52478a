"""The modules between two linear layers of a policy that the lean loop knows how to pass, forwards and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from plastic_rl.networks import AID, CReLU, Dropout, FourierFeatures, Rational, SmoothLeakyReLU
from plastic_rl.networks.normalization import WidthFreeLayerNorm
from plastic_rl.sb3.lean import activations, wider_activations
from plastic_rl.sb3.lean.activations import LeanActivation
from plastic_rl.sb3.trunk import Nonlinearity

_KINDS: dict[type[nn.Module], Callable[[Any], LeanActivation]] = {
    nn.ReLU: activations.relu,
    nn.Tanh: activations.tanh,
    nn.Sigmoid: activations.sigmoid,
    nn.LeakyReLU: activations.leaky_relu,
    nn.ELU: activations.elu,
    nn.GELU: activations.gelu,
    nn.SiLU: activations.silu,
    nn.Softplus: activations.softplus,
    SmoothLeakyReLU: activations.smooth_leaky_relu,
    nn.LayerNorm: wider_activations.LayerNormalization,
    WidthFreeLayerNorm: wider_activations.LayerNormalization,
    CReLU: wider_activations.ConcatenatedReLU,
    FourierFeatures: wider_activations.SineAndCosine,
    nn.PReLU: wider_activations.LearntSlope,
    # These draw from no global generator.
    Rational: wider_activations.ByAutograd,
    Dropout: wider_activations.ByAutograd,
    AID: wider_activations.ByAutograd,
}

# What two modules of one kind can differ in.
_SETTINGS = ("negative_slope", "alpha", "approximate", "beta", "threshold", "slope", "sharpness", "eps", "probability")


def modules_of(between: nn.Module) -> list[nn.Module]:
    """The modules that make up what Stable-Baselines3 takes for one activation."""
    return [*between] if type(between) is Nonlinearity else [between]


def is_known(module: nn.Module) -> bool:
    """True if one of the modules can be passed without a graph."""
    if isinstance(module, nn.LayerNorm):
        return type(module) in _KINDS and module.weight is None and len(module.normalized_shape) < 2
    is_one = getattr(module, "num_parameters", 1) == 1  # a slope for all units
    return type(module) in _KINDS and is_one and getattr(module, "negative_slope", 0.0) >= 0


def activation_of(module: nn.Module) -> LeanActivation:
    """The activation that a module is, which :func:`is_known`."""
    return _KINDS[type(module)](module)


def form_of(module: nn.Module) -> tuple[Any, ...]:
    """The kind of a module, and its settings."""
    return type(module), *(getattr(module, name, None) for name in _SETTINGS)
