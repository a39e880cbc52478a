"""Hidden layers as data: who produces a group of units, who reads it, and the proof that nobody else does."""

from plastic_rl.layers.along import Along
from plastic_rl.layers.discovery import hidden_layers, refusal, replaceable_layers
from plastic_rl.layers.hidden_layer import HiddenLayer
from plastic_rl.layers.kinds import (
    LearntNonlinearity,
    SolvedLinear,
    Tracking,
    has_slopes,
    is_dropout,
    mixes_samples,
    only_weighs,
    reading_layers,
)
from plastic_rl.layers.order import LayerOrder, layer_order
from plastic_rl.layers.port import Port
from plastic_rl.layers.proof import assert_function_preserving, is_examined
from plastic_rl.layers.resizing import Resizing
from plastic_rl.layers.roles import LinearMap, NormScale, coefficients, hidden_maps, linear_maps, norm_scales, norms
from plastic_rl.layers.widths import check_resizable, resizing

__all__ = [
    "Along",
    "HiddenLayer",
    "LayerOrder",
    "LearntNonlinearity",
    "LinearMap",
    "NormScale",
    "Port",
    "Resizing",
    "SolvedLinear",
    "Tracking",
    "assert_function_preserving",
    "check_resizable",
    "coefficients",
    "has_slopes",
    "hidden_layers",
    "hidden_maps",
    "is_dropout",
    "is_examined",
    "layer_order",
    "linear_maps",
    "mixes_samples",
    "norm_scales",
    "norms",
    "only_weighs",
    "reading_layers",
    "refusal",
    "replaceable_layers",
    "resizing",
]
