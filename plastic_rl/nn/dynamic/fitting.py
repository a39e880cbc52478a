"""Networks made as wide as saved ones, so that what was saved can be loaded into them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer
from plastic_rl.nn.dynamic.pruning import prune
from plastic_rl.nn.dynamic.widening import widen


def fit(layers: Iterable[HiddenLayer], optimizer: Optimizer, saved: Mapping[str, Any]) -> None:
    """Makes hidden layers as wide as they are in the saved state of their network.

    Then the state of the network is loaded, and that of the optimiser (``load_state_dict`` of both).

    Args:
        layers: of a network that was made as the saved one was, and that may have grown otherwise since.
        optimizer: the outermost of all that trains them.
        saved: the state of the network, ``network.state_dict()``.

    Raises:
        ValueError: the state has no such layer, or one of a width that its units cannot have.
    """
    for layer in layers:
        missing = units_in(saved, layer) - layer.units
        if missing > 0:
            widen(layer, missing, optimizer)
        elif missing < 0:
            prune(layer, range(layer.units + missing, layer.units), optimizer)


def units_in(saved: Mapping[str, Any], layer: HiddenLayer) -> int:
    """The number of units that a layer has in a saved state.

    Raises:
        ValueError: there is none of its name, or of no such width.
    """
    port = layer.produced_by[0]
    weight = saved.get(f"{port.name}.{port.weight_name}")
    if not isinstance(weight, Tensor) or weight.ndim != port.parameter.ndim:
        raise ValueError(f"the saved state has no weight of `{port.name}`: it is of another network")
    units, rest = divmod(weight.shape[port.row_axis] - port.weight.shape[0], port.index.shape[1])
    if rest or layer.units + units < 1:
        raise ValueError(
            f"`{port.name}` is {tuple(weight.shape)} in the saved state, which is no width that it can have"
        )
    return layer.units + units
