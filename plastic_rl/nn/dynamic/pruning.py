"""Narrower hidden layers: units that are gone, from a network and from all that an optimiser remembers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, resizing
from plastic_rl.optim.resizing import check_follows, resize_memory, resize_state


@torch.no_grad()
def prune(layer: HiddenLayer, units: Tensor | Sequence[int], optimizer: Optimizer) -> None:
    """Takes units out of a hidden layer; those that stay keep their order, and all that was remembered of them.

    What readers sum up loses what the units gave: nothing where their outgoing weights were zero. Otherwise as
    :func:`plastic_rl.nn.dynamic.widen`.

    Args:
        layer: the layer; is of the new width afterwards.
        units: which of its units go.
        optimizer: the outermost of all that trains the layer.

    Raises:
        ValueError: there are no such units, none would be left, or the layer, the optimiser or a method cannot follow;
            nothing has been changed then.
    """
    retired = torch.as_tensor(units, dtype=torch.int64).cpu().unique()
    if not len(retired) or retired[0] < 0 or retired[-1] >= layer.units:
        raise ValueError(
            f"units of `{layer.name}` are 0 to {layer.units - 1}, and one or more must be given; got {retired.tolist()}"
        )
    if len(retired) == layer.units:
        raise ValueError(f"`{layer.name}` has {layer.units} units, and one or more must stay")
    change = resizing(layer, retired=retired)
    check_follows(optimizer, layer, bears=False)
    resize_state(optimizer, change)
    change.apply()
    resize_memory(optimizer, change)
