"""Adam on the moments of all parameters side by side: torch's own arithmetic, so the same steps, bit for bit."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import (
    Tensor,
    _foreach_add_,  # pyright: ignore[reportPrivateImportUsage]
    _foreach_addcdiv_,  # pyright: ignore[reportPrivateImportUsage]
    _foreach_mul_,  # pyright: ignore[reportPrivateImportUsage]
)

from plastic_rl.sb3.lean.gradients import Gradients

MOMENTS = ("exp_avg", "exp_avg_sq")

# The root of a smaller number than TINY is below 1.1e-19, a hundredth of which part an ε of this SIZE would feel.
TINY, SIZE = torch.finfo(torch.float32).tiny, 1e-9


class FlatAdam:
    """The steps of an Adam with one group, whose gradients lie side by side.

    From the first step that it takes to the end the moments in the optimiser's state are parts of one tensor; at the
    end they are those that torch made, with what has become of them.

    Args:
        adam: the optimiser.
        gradients: of its parameters.
    """

    def __init__(self, adam: Any, gradients: Gradients) -> None:
        self.adam, self.gradients = adam, gradients
        self.flat = [torch.zeros_like(gradients.all) for _ in range(4)]
        self.parts = [gradients.split(flat) for flat in self.flat]
        self.kept: dict[Tensor, list[Tensor]] = {}

    def take(self) -> bool:
        """Takes a step; False where something is not as it was left."""
        (group, *others), parameters = self.adam.param_groups, self.gradients.parameters
        states = [self.adam.state.get(parameter) for parameter in parameters]
        if others or not all(states) or not self.gradients.are_handed_over():
            return False
        if len(group["params"]) != len(parameters) or len({state["step"].item() for state in states}) > 1:
            return False
        for place, state in enumerate(states):
            if state["exp_avg"] is not self.parts[0][place] or state["exp_avg_sq"] is not self.parts[1][place]:
                self._move_in(place, state)
        _foreach_add_([state["step"] for state in states], 1)
        self._step(group, states[0]["step"].item())
        return True

    def _move_in(self, place: int, state: dict[str, Any]) -> None:
        self.kept[self.gradients.parameters[place]] = [state[name] for name in MOMENTS]
        for name, parts in zip(MOMENTS, self.parts, strict=False):
            state[name] = parts[place].copy_(state[name])

    def _step(self, group: dict[str, Any], step: float) -> None:
        parameters, rate, decay = self.gradients.parameters, group["lr"], group["weight_decay"]
        (first, second, denominators, steepness), (beta1, beta2) = self.flat, group["betas"]
        gradients = self.gradients.all
        if decay and group.get("decoupled_weight_decay"):
            _foreach_mul_(parameters, 1 - rate * decay)
        elif decay:
            gradients = steepness.copy_(gradients)
            _foreach_add_(self.parts[3], parameters, alpha=decay)
        first.lerp_(gradients, 1 - beta1)
        second.mul_(beta2).addcmul_(gradients, gradients, value=1 - beta2)
        roots_of(second, group["eps"], denominators).div_(math.sqrt(1 - beta2**step)).add_(group["eps"])
        _foreach_addcdiv_(parameters, self.parts[0], self.parts[2], value=-(rate / (1 - beta1**step)))

    def end(self) -> None:
        """Gives the optimiser its own moments back."""
        for place, parameter in enumerate(self.gradients.parameters):
            state = self.adam.state.get(parameter, {})
            for name, parts, own in zip(MOMENTS, self.parts, self.kept.get(parameter, []), strict=False):
                if state.get(name) is parts[place]:
                    state[name] = own.copy_(parts[place])


def roots_of(squares: Tensor, eps: float, into: Tensor) -> Tensor:
    """The roots of the second moments, so far as they matter beside ε.

    Those of dead units are 0, or fade to subnormal numbers, whose roots take torch twenty times as long.
    """
    if eps < SIZE:
        return torch.sqrt(squares, out=into)
    return torch.clamp(squares, min=TINY, out=into).sqrt_()
