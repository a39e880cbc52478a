"""The memory that an optimiser has of units: which state belongs to them, and where it starts for a newborn."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers.port import fill
from plastic_rl.optim.base import innermost
from plastic_rl.optim.unit_clock import clock_of

logger = logging.getLogger(__name__)

Index = Int[Tensor, " k"]

# State that a fresh optimiser starts at zero: averages and sums of gradients, of steps, of their squares.
ZEROS = frozenset(
    {
        "acc_delta",  # Adadelta
        "ema",
        "exp_avg",  # Adam and its relatives, Lion
        "exp_avg_diff",  # Adan
        "exp_avg_res",  # CAME
        "exp_inf",  # Adamax
        "grad_avg",  # RMSprop, centred
        "hessian",  # Sophia
        "momentum",
        "momentum_buffer",  # SGD, RMSprop, Muon
        "prev",  # Rprop: the last gradient
        "previous_grad",
        "square_avg",  # RMSprop, Adadelta
        "velocity",
    }
)

# Averages of squared gradients that are divided by 1 - β^t: with a clock for single units they start at zero.
SECOND_MOMENTS = frozenset({"exp_avg_sq", "max_exp_avg_sq", "exp_avg_var"})

# State that starts as a setting of the parameter's group says.
FROM_SETTINGS = {"step_size": "lr", "sum": "initial_accumulator_value"}  # Rprop, Adagrad

# State that is a copy, or an average, of the weights themselves.
WEIGHTS = frozenset({"ax", "z", "p0", "slow_buffer", "slow_param"})  # ASGD, schedule-free, Prodigy, lookahead

_named: set[tuple[type, str]] = set()


def forget(optimizer: Optimizer | None, parameter: Tensor | None, axis: int | None, index: Index) -> None:
    """Lets an optimiser start anew for parts of a parameter: state of the parameter's shape belongs to its units.

    Moments go to zero. Where they are divided by 1 - β^t and the optimiser has one t for the whole parameter, the
    second moment of a newborn entry is the mean of the others': its first steps are then small and right in scale,
    where from zero they would be up to 6.6 times too long. Optimisers with a clock for single units
    (:class:`plastic_rl.optim.Adam`) restart it. Rprop's step sizes and Adagrad's sums go to where they start, averages
    of weights (ASGD) to the weights. State of a name that nobody here knows is left as it is, and named in the log.

    Args:
        optimizer: whose state is forgotten; None for nobody's.
        parameter: the weight, its new values written; None for none.
        axis: the axis along which the parts are slices; None where ``index`` says where in the flattened parameter.
        index: which of them.
    """
    if optimizer is None or parameter is None or parameter not in optimizer.state:
        return
    clock, state = clock_of(optimizer), optimizer.state[parameter]
    for name, value in state.items():
        if isinstance(value, Tensor) and value.shape == parameter.shape:
            _start_anew(optimizer, parameter, (axis, index), name, has_clock=clock is not None)
    if clock is not None:
        clock.restart_clock(parameter, axis, index)


def _start_anew(
    optimizer: Optimizer, parameter: Tensor, where: tuple[int | None, Index], name: str, *, has_clock: bool
) -> None:
    (axis, index), value = where, optimizer.state[parameter][name]
    if name in ZEROS or (name in SECOND_MOMENTS and has_clock):
        fill(value, axis, index, 0.0)
    elif name in SECOND_MOMENTS:
        _fill_with_mean(value, axis, index)
    elif name in FROM_SETTINGS:
        fill(value, axis, index, _setting(optimizer, parameter, FROM_SETTINGS[name]))
    elif name in WEIGHTS:
        _copy(parameter, value, axis, index)
    elif (type(innermost(optimizer)), name) not in _named:
        _named.add((type(innermost(optimizer)), name))
        logger.warning(
            "%s keeps `%s`, which is not known here: for newborn units it stays as it is.",
            type(innermost(optimizer)).__name__,
            name,
        )


def _fill_with_mean(value: Tensor, axis: int | None, index: Index) -> None:
    """Gives entries the mean of all others; on the device, without asking it for the number."""
    kept = torch.ones_like(value)
    fill(kept, axis, index, 0.0)
    mean = (value * kept).sum() / kept.sum().clamp(min=1)
    value.mul_(kept).add_((1 - kept) * mean)


def _copy(source: Tensor, target: Tensor, axis: int | None, index: Index) -> None:
    if axis is None:
        target.put_(index, source.detach().take(index).to(target.dtype))
    else:
        target.index_copy_(axis, index, source.detach().index_select(axis, index).to(target.dtype))


def _setting(optimizer: Optimizer, parameter: Tensor, name: str) -> Any:
    groups = innermost(optimizer).param_groups
    group = next(group for group in groups if any(each is parameter for each in group["params"]))
    return float(group.get(name, 0.0))


def forget_parameters(optimizer: Optimizer, parameters: Iterable[Tensor]) -> None:
    """Lets an optimiser start over with some parameters: all its state of them goes."""
    parameters, clock = list(parameters), clock_of(optimizer)
    for parameter in parameters:
        optimizer.state.pop(parameter, None)
    if clock is not None:
        clock.forget_clocks(parameters)


def forget_everything(optimizer: Optimizer) -> None:
    """Lets an optimiser start over: its moments go, and the clocks of single units with them."""
    optimizer.state.clear()
    clock = clock_of(optimizer)
    if clock is not None:
        clock.forget_clocks()
