"""Torch's Adam, its step taken in one pass over all parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import (
    Tensor,
    _foreach_add_,  # pyright: ignore[reportPrivateImportUsage]
    _fused_adam_,  # pyright: ignore[reportPrivateImportUsage]
    _fused_adamw_,  # pyright: ignore[reportPrivateImportUsage]
)
from torch.optim import Optimizer
from torch.optim.optimizer import _global_optimizer_post_hooks, _global_optimizer_pre_hooks

from plastic_rl.optim import Adam, AdamW, innermost

KINDS = (torch.optim.Adam, torch.optim.AdamW, Adam, AdamW)

# Options under which Adam takes other steps, or which somebody has chosen.
OPTIONS = ("amsgrad", "maximize", "capturable", "differentiable", "foreach", "fused")


@contextmanager
def fused_steps(optimizer: Optimizer) -> Iterator[None]:
    """Has the Adam inside a stack of methods take its steps in one pass, for a ``with`` statement.

    Steps are the same to rounding. Anything but a plain Adam is left as it is, and so is an Adam whose form of
    computation somebody has chosen (``foreach``, ``fused``) or whose step somebody has replaced (a scheduler).

    Args:
        optimizer: a policy's, with its methods.
    """
    inner = innermost(optimizer)
    if not _is_plain(inner):
        yield
        return
    inner.step = FusedStep(inner)
    try:
        yield
    finally:
        del inner.__dict__["step"]


def _is_plain(inner: Optimizer) -> bool:
    return (
        type(inner) in KINDS
        and "step" not in vars(inner)
        and not inner._optimizer_step_pre_hooks
        and not _global_optimizer_pre_hooks
        and not _global_optimizer_post_hooks
        and not any(group[option] for group in inner.param_groups for option in OPTIONS)
    )


class FusedStep:
    """The step of an Adam.

    Args:
        adam: the optimiser; its state stays where it is.
    """

    def __init__(self, adam: Optimizer) -> None:
        self.adam = adam

    @torch.no_grad()
    def __call__(self, closure: Callable[[], float] | None = None) -> Any:
        """Takes the step; torch takes the first one of a parameter, where there is no state yet."""
        groups = [_parts(self.adam, group) for group in self.adam.param_groups]
        if closure is not None or any(parts is None for parts in groups):
            return type(self.adam).step(self.adam, closure)
        for group, parts in zip(self.adam.param_groups, groups, strict=True):
            _step(group, parts)
        for hook in list(self.adam._optimizer_step_post_hooks.values()):
            hook(self.adam, (), {})
        return None


def _parts(adam: Optimizer, group: dict[str, Any]) -> tuple[list[Tensor], ...] | None:
    """Parameters, gradients, both moments and clocks; None where some are missing."""
    moved = [parameter for parameter in group["params"] if parameter.grad is not None]
    states = [adam.state.get(parameter) for parameter in moved]
    if not all(states):
        return None
    names = ("exp_avg", "exp_avg_sq", "step")
    return (moved, [each.grad for each in moved], *([state[name] for state in states if state] for name in names))


def _step(group: dict[str, Any], parts: Any) -> None:
    parameters, gradients, first, second, clocks = parts
    _foreach_add_(clocks, 1)
    step = _fused_adamw_ if group.get("decoupled_weight_decay") else _fused_adam_
    step(
        parameters,
        gradients,
        first,
        second,
        [],
        clocks,
        lr=group["lr"],
        beta1=group["betas"][0],
        beta2=group["betas"][1],
        weight_decay=group["weight_decay"],
        eps=group["eps"],
        amsgrad=False,
        maximize=False,
    )
