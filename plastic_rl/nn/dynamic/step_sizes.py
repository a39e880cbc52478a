"""Step sizes of linear weights, one each, that are learnt: K1 with a meta step in units of the error.

K1 is of Sutton, "Gain adaptation beats least squares?" (Yale workshop on adaptive and learning systems, 1992). The meta
step there has the units of the squared error; here it is divided by a running mean of that, and bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

# A meta step changes a step size by 10 % at most.
LARGEST_META_STEP = 0.1
SMALLEST_LOG = -15.0

Weights = Float[Tensor, "*shape"]


class StepSizes:
    """The step sizes of some weights, and what K1 remembers for them.

    Args:
        weights: that are learnt.
        first: their step sizes at birth.
    """

    def __init__(self, weights: Tensor, first: float) -> None:
        self.first = torch.tensor(first).log().item()
        self.log = torch.full_like(weights, self.first)
        self.memory = torch.zeros_like(weights)

    def restart(self, *place: Any) -> None:
        """Lets weights at a place start anew."""
        self.log[place] = self.first
        self.memory[place] = 0.0

    def move(self, into: Callable[[Tensor, float], Tensor]) -> None:
        """Takes them to where their weights have moved; new weights start at the first step size."""
        self.log, self.memory = into(self.log, self.first), into(self.memory, 0.0)

    def state_dict(self) -> dict[str, Tensor]:
        """The state that is needed to go on exactly."""
        return {"log": self.log.clone(), "memory": self.memory.clone()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Goes on from a saved state."""
        self.log, self.memory = state["log"].to(self.log).clone(), state["memory"].to(self.memory).clone()


@torch.no_grad()
def k1_step(
    weights: Weights,
    steps: StepSizes,
    correlation: Weights,
    *,
    power: Float[Tensor, "..."],
    error_power: Float[Tensor, "..."],
    meta_rate: float,
    shared: bool,
) -> None:
    """One step, in place: β += μ δxh / E[δ²]; k = e^β x / (1 + Σ e^β x²); w += k δ; h = (h + k δ) [1 - k x]⁺.

    With R = 1 it never overshoots on the example, or minibatch, that it is made on.

    Args:
        weights: w.
        steps: β and h.
        correlation: δ x, as the mean over a minibatch.
        power: x², as the mean over a minibatch.
        error_power: a running mean of δ².
        meta_rate: μ.
        shared: True if the weights of the last axis predict one thing together, False if each does by itself.
    """
    meta_step = correlation * steps.memory / error_power.clamp(min=1e-30) * meta_rate
    steps.log.add_(meta_step.clamp_(-LARGEST_META_STEP, LARGEST_META_STEP)).clamp_(min=SMALLEST_LOG)
    gain = steps.log.exp()
    used = gain * power
    total = 1 + (used.sum(-1, keepdim=True) if shared else used)
    change = gain.mul_(correlation).div_(total)
    weights.add_(change)
    steps.memory.add_(change).mul_((1 - used / total).clamp_(min=0))
