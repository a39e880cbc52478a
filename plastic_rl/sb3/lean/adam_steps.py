"""Another way to take the steps of torch's Adam, while PPO updates: its state and its groups stay its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

import torch
from torch.optim import Optimizer
from torch.optim.optimizer import _global_optimizer_post_hooks, _global_optimizer_pre_hooks

from plastic_rl.optim import Adam, AdamW, innermost

KINDS = (torch.optim.Adam, torch.optim.AdamW, Adam, AdamW)

# Options under which Adam takes other steps, or which somebody has chosen.
OPTIONS = ("amsgrad", "maximize", "capturable", "differentiable", "foreach", "fused")


@runtime_checkable
class Stepper(Protocol):
    """A way to take a step."""

    def take(self) -> bool:
        """Takes the step, or leaves it to torch (False): where a parameter has no state yet, for one."""
        ...

    def end(self) -> None:
        """Leaves the optimiser as torch would have."""
        ...


@contextmanager
def stepping(optimizer: Optimizer, make: Callable[[Any], Stepper]) -> Iterator[None]:
    """Has the Adam inside a stack of methods take its steps in another way, for a ``with`` statement.

    Anything but a plain Adam steps as ever, and so does an Adam whose form of computation somebody has chosen
    (``foreach``, ``fused``) or whose step somebody has replaced (a scheduler).

    Args:
        optimizer: a policy's, with its methods.
        make: makes the way of an Adam.
    """
    inner = innermost(optimizer)
    if not is_plain(inner):
        yield
        return
    stepper = make(inner)

    @torch.no_grad()
    def step(closure: Callable[[], float] | None = None) -> Any:
        if closure is not None or not stepper.take():
            return type(inner).step(inner, closure)
        for hook in list(inner._optimizer_step_post_hooks.values()):
            hook(inner, (), {})
        return None

    inner.step = step
    try:
        yield
    finally:
        del inner.__dict__["step"]
        stepper.end()


def is_plain(inner: Any) -> bool:
    """True if an optimiser is an Adam whose form of computation, and whose step, nobody has changed."""
    return (
        type(inner) in KINDS
        and "step" not in vars(inner)
        and not (inner._optimizer_step_pre_hooks or _global_optimizer_pre_hooks or _global_optimizer_post_hooks)
        and not any(group[option] for group in inner.param_groups for option in OPTIONS)
    )
