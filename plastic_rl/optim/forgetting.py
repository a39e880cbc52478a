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
        "eligibility",  # traces of temporal differences
        "ema",
        "exp_avg",  # Adam and its relatives, Lion
        "exp_avg_diff",  # Adan
        "exp_inf",  # Adamax
        *("gain_trace", "gain_eligibility", "next_gain_trace", "older_gain_trace"),  # IDBD, K1, SwiftTD
        "grad_avg",  # RMSprop, centred
        "hessian",  # Sophia
        "log_gain",  # of step sizes that are learned: log(α / lr)
        "meta_scale",  # Autostep
        "momentum",
        "momentum_buffer",  # SGD, RMSprop, Muon
        "prev",  # Rprop: the last gradient
        "previous_grad",
        "recent_step",  # SwiftTD
        "square_avg",  # RMSprop, Adadelta
        "trace_eligibility",  # SwiftTD
        "velocity",
    }
)

# Averages of squared gradients that are divided by 1 - β^t, or by none: with a clock for single units they start at 0.
SECOND_MOMENTS = frozenset(
    {
        "slope_square",  # intentional updates
        *("exp_avg_sq", "max_exp_avg_sq", "exp_avg_var"),
        *("variance", "row_var", "col_var"),  # Adafactor, of vectors and of rows and columns
        *("exp_avg_sq_row", "exp_avg_sq_col", "exp_avg_res_row", "exp_avg_res_col"),  # Adafactor elsewhere, CAME
    }
)

# State that starts as a setting of the parameter's group says.
FROM_SETTINGS = {"step_size": "lr", "sum": "initial_accumulator_value"}  # Rprop, Adagrad

# State that is a copy, or an average, of the weights themselves.
WEIGHTS = frozenset({"ax", "z", "p0", "slow_buffer", "slow_param"})  # ASGD, schedule-free, Prodigy, lookahead

# Counts of a parameter's steps, which all its units share, and what is known of the outputs' errors.
CLOCKS = frozenset(
    {"step", "mu_product", "eta", "mu", *("error_power", "error_size", "errors_seen", "reach", "recent_change")}
)

# Optimisers whose memory is of the network as a whole.
WHOLE = (torch.optim.LBFGS,)

# What lies below this share of the mean of its neighbours belongs to units that are dead, and is no measure for others.
DEAD = 0.01

# What a fresh optimiser's clock shows: t, and NAdam's product of momenta.
FRESH = {"step": 0.0, "mu_product": 1.0}

_named: set[tuple[type, str]] = set()


def check_forgetful(optimizer: Optimizer) -> None:
    """Refuses optimisers that cannot forget single units.

    Raises:
        ValueError: names the optimiser.
    """
    inner = innermost(optimizer)
    if isinstance(inner, WHOLE):
        raise ValueError(
            f"{type(inner).__name__} remembers steps of the whole network, in which single units cannot be forgotten; "
            "take another optimiser, or forget_optimizer_state=False"
        )


def forget(
    optimizer: Optimizer | None, parameter: Tensor | None, axis: int | None, index: Index, *, by_clock: bool = True
) -> None:
    """Lets an optimiser start anew for parts of a parameter: state of the parameter's shape belongs to its units.

    Moments go to zero. Where they are divided by 1 - β^t and the optimiser has one t for the whole parameter, the
    second moment of a newborn entry is the mean of those beside it that are alive: its first steps are then small and
    right in scale, where from zero they would be up to 6.6 times too long. Optimisers with a clock for single units
    (:class:`plastic_rl.optim.Adam`) restart it. Rprop's step sizes and Adagrad's sums go to where they start, averages
    of weights (ASGD) to the weights. State that nobody here knows is left as it is, and named in the log.

    Args:
        optimizer: whose state is forgotten; None for nobody's.
        parameter: the weight, its new values written; None for none.
        axis: the axis along which the parts are slices; None where ``index`` says where in the flattened parameter.
        index: which of them.
        by_clock: use the clock for single units that the optimiser may have; False takes it for one without.
    """
    if optimizer is None or parameter is None or parameter not in optimizer.state:
        return
    clock = clock_of(optimizer) if by_clock else None
    for name, value in optimizer.state[parameter].items():
        aligned = aligned_state(name, value, parameter)
        if aligned is not None and (axis is None or aligned.shape[axis] == parameter.shape[axis]):
            _start_anew(optimizer, parameter, aligned, (axis, index), name, has_clock=clock is not None)
        elif aligned is None and is_of_units(name, value):
            _name(optimizer, name)
    if clock is not None:
        clock.restart_clock(parameter, axis, index)


def aligned_state(name: str, value: Any, parameter: Tensor) -> Tensor | None:
    """State with the axes of its parameter, some of which may be of length 1; None for state of another form."""
    if not isinstance(value, Tensor) or name in CLOCKS:
        return None
    shape = parameter.shape
    if value.shape == shape:
        return value
    if name.endswith("_row") and value.shape == shape[:-1]:
        return value.unsqueeze(-1)
    if name.endswith("_col") and value.shape == shape[:-2] + shape[-1:]:
        return value.unsqueeze(-2)
    is_factor = value.ndim == len(shape) and all(one in (1, all_) for one, all_ in zip(value.shape, shape, strict=True))
    return value if is_factor else None


def is_of_units(name: str, value: Any) -> bool:
    """True if state of an unknown form may hold something of single units; numbers and clocks do not."""
    if isinstance(value, Tensor):
        return value.numel() > 1 and name not in CLOCKS
    return isinstance(value, list | tuple | dict) and any(is_of_units("", each) for each in value)


def known_state(name: str) -> bool:
    """True if it is known where state of this name begins for a newborn unit."""
    return name in ZEROS | SECOND_MOMENTS | FROM_SETTINGS.keys() | WEIGHTS


def _start_anew(
    optimizer: Optimizer,
    parameter: Tensor,
    value: Tensor,
    where: tuple[int | None, Index],
    name: str,
    *,
    has_clock: bool,
) -> None:
    axis, index = where
    if axis is None and value.shape != parameter.shape:
        _name(optimizer, name)
    elif name in ZEROS or (name in SECOND_MOMENTS and has_clock):
        fill(value, axis, index, 0.0)
    elif name in SECOND_MOMENTS:
        _fill_like_neighbours(value, axis, index)
    elif name in FROM_SETTINGS:
        fill(value, axis, index, _setting(optimizer, parameter, FROM_SETTINGS[name]))
    elif name in WEIGHTS:
        _copy(parameter, value, axis, index)
    else:
        _name(optimizer, name)


def _name(optimizer: Optimizer, name: str) -> None:
    kind = type(innermost(optimizer))
    if (kind, name) not in _named:
        _named.add((kind, name))
        logger.warning(
            "%s keeps `%s`, which is not known here: for newborn units it stays as it is.", kind.__name__, name
        )


def _fill_like_neighbours(value: Tensor, axis: int | None, index: Index) -> None:
    """Gives entries the mean of the others along the axis that are alive; on the device, without asking it.

    Where none beside them is, it is the mean of all that are not 0, be it their own.
    """
    slices = value.reshape(-1, 1) if axis is None else value.movedim(axis, 0).reshape(value.shape[axis], -1)
    kept = slices.new_ones(len(slices), 1).index_fill_(0, index, 0.0)
    lively = kept * (slices >= DEAD * _mean(slices, kept, 0))
    beside, all_ = _mean(slices, lively, 0), _mean(slices, (slices > 0).to(slices), None)
    start = torch.where(beside > 0, beside, all_)[0]
    if axis is None:
        value.put_(index, start.expand(len(index)).clone())
    else:
        rest = value.movedim(axis, 0).shape[1:]
        value.index_copy_(axis, index, start.view(1, *rest).expand(len(index), *rest).movedim(0, axis))


def _mean(values: Tensor, weights: Tensor, axis: int | None) -> Tensor:
    if axis is None:
        return (values * weights).sum() / weights.sum().clamp(min=1)
    return (values * weights).sum(axis, keepdim=True) / weights.sum(axis, keepdim=True).clamp(min=1)


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


def restart_clocks(optimizer: Optimizer) -> None:
    """Lets an optimiser count its steps from now on, with the moments that it has; clocks of single units go on."""
    for state in optimizer.state.values():
        for name in FRESH.keys() & state.keys():
            if isinstance(state[name], Tensor):
                state[name].fill_(FRESH[name])
            else:
                state[name] = type(state[name])(FRESH[name])
    clock = clock_of(optimizer)
    if clock is not None:
        clock.restart_parameters()
