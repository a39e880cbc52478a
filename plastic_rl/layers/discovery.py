"""Finds the hidden layers of a network: runs it once and reads off the groups that only change together.

The groups are those that a structural pruner would remove together, computed by the dependency graph of torch-pruning
(Fang et al., CVPR 2023): what must be pruned together is what must be replaced together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
import torch_pruning
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvTransposeNd

from plastic_rl.layers.hidden_layer import COLUMN_AXIS, HiddenLayer, Port
from plastic_rl.layers.proof import is_silent, undisturbed

LAYERS = tuple(COLUMN_AXIS)
NORMS = (_BatchNorm, nn.LayerNorm, nn.GroupNorm)
UNSUPPORTED = (nn.RNNBase, nn.RNNCellBase, nn.MultiheadAttention, _ConvTransposeNd, nn.Bilinear)


@dataclass
class Group:
    """What must be replaced together, sorted by its part in it."""

    producers: list[Port] = field(default_factory=list)
    readers: list[Port] = field(default_factory=list)
    norms: list[Port] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def hidden_layers(network: nn.Module, *example: Any, ignore: Collection[str] = ()) -> list[HiddenLayer]:
    """The groups of hidden units of a network, found by running it once; its output layers are not among them.

    Copes with non-linearities of any kind, several readers, convolution → flatten → linear, batch norm, residual sums
    and concatenations. Draws no random numbers, leaves modes and weights as they were. Each layer is proved silent by
    experiment (:func:`plastic_rl.layers.assert_function_preserving`) before it is returned; layers behind a norm that
    mixes units (LayerNorm, GroupNorm) cannot be, and are returned as they are (`HiddenLayer.is_audible`).

    Args:
        network: the module; the tensors that its forward pass returns must depend on the layers differentiably.
        example: one example input, as ``network(*example)``; zeros will do.
        ignore: names of layers to leave alone.

    Raises:
        ValueError: names each layer whose units cannot be replaced, with the reason.
    """
    groups = list(_groups(network, example))
    if not groups:
        raise ValueError(
            f"no output of {type(network).__name__} depends on a linear or convolutional layer in a differentiable "
            "way; give the module whose output is trained (for a Q-network, not its greedy action), or the layers by "
            "hand"
        )
    found, refused = [], _unsupported(network, ignore)
    for group in groups:
        name = group.producers[0].name
        if any(port.name in ignore for port in group.producers) or not (group.readers or group.problems):
            continue
        if group.problems:
            refused[name] = ", ".join(group.problems)
            continue
        layer = _hidden_layer(group)
        if not layer.is_audible and not is_silent(network, layer, *example):
            refused[name] = "its units reach the output by a way that no layer reads"
        found.append(layer)
    if refused:
        reasons = "; ".join(f"`{name}`: {why}" for name, why in refused.items())
        raise ValueError(f"units that cannot be replaced: {reasons}. Leave them alone with ignore={list(refused)}")
    return found


def _unsupported(network: nn.Module, ignore: Collection[str]) -> dict[str, str]:
    """Modules with hidden units of their own that cannot be replaced, with the reason."""
    return {
        name: f"the units of a {type(module).__name__} are not supported"
        for name, module in network.named_modules()
        if isinstance(module, UNSUPPORTED) and name not in ignore
    }


def _hidden_layer(group: Group) -> HiddenLayer:
    first, *partners = group.producers
    return HiddenLayer(first.name, first.layer, group.readers, partners, group.norms)


def _groups(network: nn.Module, example: tuple[Any, ...]) -> Iterator[Group]:
    """Reads the group of each linear or convolutional layer, each group once."""
    with undisturbed(network), torch.enable_grad():
        graph = torch_pruning.DependencyGraph().build_dependency(network, example_inputs=example, verbose=False)
    names = {module: name for name, module in network.named_modules()}
    seen: set[nn.Module] = set()
    for root, name in names.items():
        if isinstance(root, LAYERS) and root in graph.module2node and root not in seen:
            group = _group(graph, root, name, names)
            seen.update(port.layer for port in group.producers)
            yield group


def _group(graph: Any, root: nn.Module, name: str, names: dict[nn.Module, str]) -> Group:
    prune = graph.get_pruner_of_module(root).prune_out_channels
    units = range(graph.get_out_channels(root))
    group = Group()
    for item in graph.get_pruning_group(root, prune, list(units)):
        _sort_in(group, item, names, len(units))
    group.producers.sort(key=lambda port: port.name != name)
    return group


def _sort_in(group: Group, item: Any, names: dict[nn.Module, str], units: int) -> None:
    """Adds one member of torch-pruning's group to ours, by its part."""
    module, reads = item.dep.target.module, item.dep.handler.__name__ == "prune_in_channels"
    if module not in names:  # an operation without parameters
        return
    if not isinstance(module, LAYERS + NORMS):
        group.problems.append(f"`{names[module]}` ({type(module).__name__}) takes part, which is not supported")
        return
    index = _shared_out(item.idxs, item.root_idxs, units)
    if index is None:
        group.problems.append(f"`{names[module]}` does not give each unit the same number of places")
    elif reads and isinstance(module, LAYERS) and getattr(module, "groups", 1) > 1:
        group.problems.append(f"`{names[module]}` reads it by a grouped convolution, which is not supported")
    else:
        part = group.norms if isinstance(module, NORMS) else group.readers if reads else group.producers
        part.append(Port(names[module], module, index))


def _shared_out(positions: list[int], owners: list[int], units: int) -> torch.Tensor | None:
    """The positions by owner, of shape (units, positions), or None when the owners' shares differ."""
    order = sorted(range(len(owners)), key=lambda place: (owners[place], positions[place]))
    share = len(owners) // units
    if [owners[place] for place in order] != [unit for unit in range(units) for _ in range(share)]:
        return None
    return torch.tensor([positions[place] for place in order]).view(units, share)
