"""The kind of activation between hidden units and their first reader, on which the words for units depend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from plastic_rl.diagnostics.flatness import activations_behind
from plastic_rl.layers import HiddenLayer


class Kind(StrEnum):
    """The kinds of activations that are told apart."""

    rectifier = "rectifier"  # exactly 0 on one side: ReLU
    smooth = "smooth"  # nearly 0 on one side: GELU, SiLU, Mish, softplus
    leaky = "leaky"  # a slope on both sides: LeakyReLU, PReLU, ELU, AID
    tanh = "tanh"
    sigmoid = "sigmoid"
    linear = "linear"  # none
    unknown = "unknown"  # made of other functions, or of several kinds


Kinds = Mapping[str, Kind]
"""The kind of each layer, by its name."""

OF_NODE = {
    **dict.fromkeys(("Relu", "Threshold", "ClampMin"), Kind.rectifier),
    **dict.fromkeys(("Gelu", "Silu", "Mish", "Softplus"), Kind.smooth),
    **dict.fromkeys(("LeakyRelu", "PreluKernel", "RreluWithNoise", "Elu", "Celu"), Kind.leaky),
    "Tanh": Kind.tanh,
    "Sigmoid": Kind.sigmoid,
}


def activation_kinds(layers: Sequence[HiddenLayer], forward: Callable[[], Any]) -> dict[str, Kind]:
    """The kind of activation of each hidden layer, by its name; it stays, so that one pass is enough for a network.

    Args:
        layers: the hidden layers.
        forward: runs the network on an example; called once, with gradients.
    """
    behind = activations_behind(layers, forward)
    return {name: _kind(nodes) for name, nodes in behind.items()}


def _kind(nodes: Sequence[str] | None) -> Kind:
    if nodes is None:
        return Kind.unknown
    found = {OF_NODE.get(node, Kind.unknown) for node in nodes} or {Kind.linear}
    return found.pop() if len(found) == 1 else Kind.unknown
