"""The memory that an optimiser and the methods around it have of parameters whose shapes change."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, Resizing
from plastic_rl.optim.base import PlasticOptimizer, innermost, methods_in
from plastic_rl.optim.distributed import are_several
from plastic_rl.optim.forgetting import aligned_state, check_forgetful, is_of_units, known_state
from plastic_rl.optim.unit_clock import clock_of
from plastic_rl.optim.unit_replacer import check_trained


def check_follows(optimizer: Optimizer, layer: HiddenLayer, *, bears: bool) -> None:
    """Refuses an optimiser that cannot go on with a layer of another width.

    Args:
        optimizer: with all methods around it.
        layer: the layer.
        bears: units are born, for which a beginning must be known of all that is kept of them.

    Raises:
        ValueError: it does not train the layer, or something that is kept of parameters cannot follow; names it.
    """
    if are_several():
        raise ValueError("the width of a layer cannot be changed under torch.distributed, which keeps copies in step")
    check_trained(optimizer, [layer])
    check_forgetful(optimizer)
    for method in methods_in(optimizer):
        if not method.follows_resizing:
            raise ValueError(
                f"the width of `{layer.name}` cannot be changed: {type(method).__name__} keeps what fits the present "
                "shapes alone"
            )
    inner = innermost(optimizer)
    for parameter in layer.parameters():
        for name, value in inner.state.get(parameter, {}).items():
            is_lost = aligned_state(name, value, parameter) is None and is_of_units(name, value)
            if is_lost or (bears and is_of_units(name, value) and not known_state(name)):
                raise ValueError(
                    f"the width of `{layer.name}` cannot be changed: {type(inner).__name__} keeps `{name}`, and it is "
                    "not known what that is for a newborn unit"
                )


def resize_state(optimizer: Optimizer, resizing: Resizing) -> None:
    """Gives what the innermost optimiser keeps of parameters their new shapes, before these have them.

    Entries of newborn units are zero; :func:`plastic_rl.optim.forgetting.forget` says what they are instead.
    """
    inner, clock = innermost(optimizer), clock_of(optimizer)
    for parameter, along in resizing.parameters():
        state = inner.state.get(parameter, {})
        for name, value in state.items():
            aligned = aligned_state(name, value, parameter)
            if aligned is not None and aligned.shape[along.axis] == along.before:
                state[name] = _unaligned(along.of(aligned), value)
        if clock is not None:
            clock.resize_clock(parameter, along)


def _unaligned(resized: Tensor, like: Any) -> Tensor:
    """State in the form in which the optimiser keeps it: a factor of rows or columns may lack an axis."""
    lost = [axis for axis, length in enumerate(resized.shape) if length == 1]
    return resized if resized.ndim == like.ndim else resized.squeeze(lost[-1])


@torch.no_grad()
def resize_memory(optimizer: Optimizer, resizing: Resizing) -> None:
    """Has the methods around an optimiser follow, once parameters have their new shapes and newborn entries."""
    if isinstance(optimizer, PlasticOptimizer):
        optimizer.resize(resizing)
