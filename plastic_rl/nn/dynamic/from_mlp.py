"""A dynamic network that begins as a given multilayer perceptron."""

from __future__ import annotations

import torch
from torch import nn

from plastic_rl.nn.dynamic.network import BACKBONE, DynamicNetwork
from plastic_rl.nn.dynamic.nonlinearities import NONLINEARITIES


@torch.no_grad()
def from_mlp(network: nn.Sequential, *, spare: int = 16, copies: int = 1) -> DynamicNetwork:
    """A dynamic network that says what a perceptron says: its hidden units are the backbone, one level each layer.

    Connections that the perceptron does not have, past a layer, begin at 0 among the outputs' weights, where they are
    learnt, and are none among units'.

    Args:
        network: linear layers with one of the known non-linearities between them; the last is the output.
        spare: free slots of each level.
        copies: networks side by side, each beginning so.

    Raises:
        ValueError: the network is no such perceptron.
    """
    linear = [module for module in network if isinstance(module, nn.Linear)]
    between = [module for module in network if not isinstance(module, nn.Linear)]
    name = next((each for each, phi in NONLINEARITIES.items() if _all_are(between, phi.module)), None)
    if name is None or len(linear) < 2 or [type(each) for each in network][::2] != [nn.Linear] * len(linear):
        expected = ", ".join(phi.module.__name__ for phi in NONLINEARITIES.values() if phi.module)
        raise ValueError(f"network must be linear layers with one kind of {expected} between them, got {network}")
    slots = max(layer.out_features for layer in linear[:-1]) + spare
    sizes = {"levels": len(linear) - 1, "slots": slots, "copies": copies}
    made = DynamicNetwork(linear[0].in_features, linear[-1].out_features, nonlinearity=name, **sizes)
    made.to(linear[0].weight)
    for level, layer in enumerate(linear):
        _copy(made, level, layer)
    return made


def _all_are(modules: list[nn.Module], kind: type[nn.Module] | None) -> bool:
    return kind is not None and bool(modules) and all(type(each) is kind for each in modules)


def _copy(network: DynamicNetwork, level: int, layer: nn.Linear) -> None:
    """Writes a layer into a level, or into the outputs after the last, and marks its units as backbone."""
    is_output = level == network.slots.levels
    rows = slice(layer.out_features)
    start = 1 if level == 0 else network.slots.below(level - 1)
    columns = slice(start, start + layer.in_features)
    target = network.readout if is_output else network.weights[level]
    target.data[:, rows, columns] = layer.weight
    if layer.bias is not None:
        target.data[:, rows, 0] = layer.bias
    if not is_output:
        network.connected(level)[:, rows, columns] = 1.0
        network.connected(level)[:, rows, 0] = 1.0
        first = network.slots.of(level).start
        network.role[:, first : first + layer.out_features] = BACKBONE
