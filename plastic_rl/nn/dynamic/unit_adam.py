"""Adam in which each unit has a clock, and a pace, of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class UnitAdam(Optimizer):
    """Adam on parameters of shape (copies, units, weights), whose units are born at different times.

    A newborn unit's moments are 0, and its bias correction counts its own steps: it moves as it would in a new network.

    Args:
        parameters: to learn.
        lr: the learning rate.
        betas: what the moments keep from step to step.
        eps: what is added to the root of the second.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        *,
        lr: float = 5e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "betas": betas, "eps": eps})
        for group in self.param_groups:
            for parameter in group["params"]:
                self.state[parameter] = self._fresh(parameter)

    @staticmethod
    def _fresh(parameter: Tensor) -> dict[str, Tensor]:
        moments = {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq")}
        row = parameter.detach()[..., :1]
        return {**moments, "clock": torch.zeros_like(row), "pace": torch.ones_like(row)}

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step of all parameters that have a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, self.state[parameter], group)

    @staticmethod
    def _move(parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        first, second = group["betas"]
        state["clock"] += 1
        state["exp_avg"].lerp_(gradient, 1 - first)
        state["exp_avg_sq"].mul_(second).addcmul_(gradient, gradient, value=1 - second)
        scale = state["pace"] / (1 - first ** state["clock"])
        size = (state["exp_avg_sq"] / (1 - second ** state["clock"])).sqrt_().add_(group["eps"])
        parameter.addcdiv_(state["exp_avg"] * scale, size, value=-group["lr"])

    @torch.no_grad()
    def restart(self, parameter: Tensor, *place: Any) -> None:
        """Forgets the moments of units, and lets their clocks start anew."""
        for name in ("exp_avg", "exp_avg_sq", "clock"):
            self.state[parameter][name][place] = 0.0
        self.state[parameter]["pace"][place] = 1.0

    @torch.no_grad()
    def forget_source(self, parameter: Tensor, copy: int, source: int) -> None:
        """Forgets the moments of the weights by which one source is read."""
        for name in ("exp_avg", "exp_avg_sq"):
            self.state[parameter][name][copy, :, source] = 0.0
