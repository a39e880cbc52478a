"""An optimiser that is another optimiser, plus something that happens after each step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class PlasticOptimizer(Optimizer):
    """Wraps an optimiser: the same parameter groups, state and defaults, and :meth:`after_step` after each step.

    Schedulers, gradient scalers, step hooks, ``add_param_group``, ``deepcopy``, ``pickle`` and stacking work as on the
    wrapped optimiser. What a method must remember is kept in ``memory``, a nest of dicts and lists of tensors, numbers
    and strings that travels in ``state_dict()`` under the name of the class; a plain torch optimiser reads the same
    ``state_dict()`` and passes over that entry.

    Args:
        optimizer: the optimiser to wrap; it may itself be a wrapper.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(self).__name__} wraps a torch optimiser, got {type(optimizer).__name__}")
        # Optimizer.__init__ would build groups and state of its own; __setstate__ sets up the hooks alone.
        self.__setstate__({"optimizer": optimizer, "memory": {}})

    optimizer: Optimizer
    memory: dict[str, Any]

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The parameter groups of the wrapped optimiser."""
        return self.optimizer.param_groups

    @property
    def state(self) -> dict[Tensor, Any]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The state of the wrapped optimiser, by parameter."""
        return self.optimizer.state

    @property
    def defaults(self) -> dict[str, Any]:
        """The defaults of the wrapped optimiser."""
        return self.optimizer.defaults

    def __getstate__(self) -> dict[str, Any]:
        # A scheduler replaces `step` on the instance by a closure over it, which is neither copied nor pickled.
        return {name: value for name, value in self.__dict__.items() if name != "step"}

    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """One step of the wrapped optimiser, then :meth:`after_step`; returns the closure's loss."""
        loss = self.optimizer.step(closure)
        with torch.no_grad():
            self.after_step()
        return loss

    def after_step(self) -> None:
        """What the method does once the parameters have moved."""
        raise NotImplementedError(f"{type(self).__name__} must define after_step")

    def metrics(self) -> dict[str, int | float]:
        """Counters worth logging, of this wrapper and of those inside it, by name."""
        return self.optimizer.metrics() if isinstance(self.optimizer, PlasticOptimizer) else {}

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.optimizer.zero_grad(set_to_none)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        self.optimizer.add_param_group(param_group)

    def state_dict(self) -> dict[str, Any]:
        return {**self.optimizer.state_dict(), type(self).__name__: self.memory}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Loads the wrapped optimiser's state and the memory; without an entry of its own the memory stays as it is."""
        name = type(self).__name__
        self.optimizer.load_state_dict({key: value for key, value in state_dict.items() if key != name})
        if name in state_dict:
            self.remember(state_dict[name])

    @torch.no_grad()
    def remember(self, memory: dict[str, Any]) -> None:
        """Takes a saved memory over; where tensors are in use elsewhere a method writes into them instead."""
        self.memory = memory
