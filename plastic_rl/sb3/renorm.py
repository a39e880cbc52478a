"""CrossQ's batch renormalisation, a norm of sb3-contrib's own: found between hidden units and their readers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from plastic_rl.layers import HiddenLayer, Port
from plastic_rl.layers.proof import undisturbed


def with_renorms(network: nn.Module, layers: list[HiddenLayer], *example: Any) -> list[HiddenLayer]:
    """The layers of a network, the batch renormalisations between units and readers counted among their norms.

    Each unit has a scale, a bias and running statistics there, which start anew when it is replaced. The norm does not
    mix units, so that layers are found, and are silent, without knowing of it.

    Args:
        network: the network that the layers belong to.
        layers: its hidden layers.
        example: one example input, as ``network(*example)``.
    """
    before = renorms_before(network, *example)
    return [with_norms(layer, before) for layer in layers] if before else layers


def with_norms(layer: HiddenLayer, before: dict[nn.Module, nn.Module]) -> HiddenLayer:
    """A layer with the norms that come right before its readers."""
    ports = [port for port in layer.read_by if port.layer in before]
    norms = {before[port.layer]: Port(f"{port.name}.renorm", before[port.layer], port.index, "scale") for port in ports}
    return replace(layer, norms=[*layer.norms, *norms.values()])


def renorms_before(network: nn.Module, *example: Any) -> dict[nn.Module, nn.Module]:
    """For each module that takes in just what a batch renormalisation gives out, the latter."""
    given: list[tuple[Tensor, nn.Module]] = []
    before: dict[nn.Module, nn.Module] = {}

    def note(module: nn.Module, taken: tuple[Any, ...], output: Any) -> None:
        for tensor, renorm in given:
            if taken and taken[0] is tensor:
                before[module] = renorm
        if is_renorm(module):
            given.append((output, module))

    if not any(is_renorm(module) for module in network.modules()):
        return before
    hooks = [module.register_forward_hook(note) for module in network.modules() if not list(module.children())]
    try:
        with undisturbed(network), torch.no_grad():
            network(*example)
    finally:
        for hook in hooks:
            hook.remove()
    return before


def is_renorm(module: nn.Module) -> bool:
    """True if a module is sb3-contrib's `BatchRenorm`; told by name, because sb3-contrib need not be installed."""
    return any(kind.__name__ == "BatchRenorm" for kind in type(module).__mro__)
