"""Adam that can restart its clock for single units.

Adam divides its moments by 1 - β^t to make up for their start at zero. torch keeps one t per parameter, so a newborn
unit whose moments are forgotten under an old clock takes steps up to 6.6 times too large (β = 0.9, 0.999: 3.2 times at
its first step, most at its twelfth). Here each row and each column of a parameter has a birth date, and where a unit
is young the step that torch has taken is corrected to the one that a fresh Adam would have taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.optim import Optimizer

# A unit is young until its bias correction differs from 1 by less than this.
NEGLIGIBLE = 1e-7


def update(first: Tensor, second: Tensor, corrections: list[Tensor], eps: float) -> Tensor:
    """Adam's direction m̂ / (√v̂ + ε) from raw moments and the two bias corrections 1 - β^t (Kingma & Ba, Alg. 1)."""
    return (first / corrections[0]) / ((second / corrections[1]).sqrt() + eps)


def adulthood(beta: float) -> int:
    """After how many steps 1 - β^t is as good as one."""
    return math.ceil(math.log(NEGLIGIBLE) / math.log(beta)) if beta > 0 else 1


class UnitClock(Optimizer):
    """Mixed into an Adam of torch: bit for bit that Adam until :meth:`restart_clock` is called."""

    @torch.no_grad()
    def restart_clock(self, parameter: Tensor, axis: int, index: Int[Tensor, " k"]) -> None:
        """Lets the entries ``index`` along ``axis`` of a parameter count their steps from now on.

        Whoever calls it has set the entries' moments to zero. Nothing happens for a parameter that never had a step.
        """
        state = self.state.get(parameter)
        if not state:
            return
        births = state.setdefault(f"birth_{axis}", torch.zeros(parameter.shape[axis], device=parameter.device))
        births[index] = state["step"].to(births)
        state["young_steps"] = adulthood(max(self._group_of(parameter)["betas"]))

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        loss = super().step(closure)
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state.get(parameter, {})
                if state.get("young_steps", 0) > 0 and parameter.grad is not None:
                    self._correct(parameter, state, group)
        return loss

    def _correct(self, parameter: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Replaces torch's step by the one that each entry's own age asks for; the same one where it is as old."""
        first, second = state["exp_avg"], state["max_exp_avg_sq" if group["amsgrad"] else "exp_avg_sq"]
        step = state["step"].to(parameter.device)
        taken = update(first, second, [1 - beta**step for beta in group["betas"]], group["eps"])
        own = [own_correction(state, step, beta, parameter.ndim) for beta in group["betas"]]
        due = update(first, second, own, group["eps"])
        parameter.sub_((due - taken) * group["lr"])
        state["young_steps"] -= 1

    def _group_of(self, parameter: Tensor) -> dict[str, Any]:
        return next(group for group in self.param_groups if any(p is parameter for p in group["params"]))


def own_correction(state: dict[str, Any], step: Tensor, beta: float, axes: int) -> Float[Tensor, "..."]:
    """The bias correction 1 - β^age of each entry, whose age is that of the younger of its row and its column."""
    correction = 1 - beta**step
    for axis in range(axes):
        if f"birth_{axis}" in state:
            age = step - state[f"birth_{axis}"].view(-1, *[1] * (axes - axis - 1))
            correction = torch.minimum(correction, 1 - beta**age)
    return correction


class Adam(UnitClock, torch.optim.Adam):
    """torch's Adam, all its options included, with a clock that can be restarted for single units."""


class AdamW(UnitClock, torch.optim.AdamW):
    """torch's AdamW, all its options included, with a clock that can be restarted for single units."""


CLOCKED: dict[type[Optimizer], type[UnitClock]] = {torch.optim.Adam: Adam, torch.optim.AdamW: AdamW}


def with_unit_clock(optimizer: Optimizer) -> Optimizer:
    """The same optimiser (the same groups, state and hooks), with a unit clock if it is torch's Adam or AdamW."""
    kind = CLOCKED.get(type(optimizer))
    if kind is None:
        return optimizer
    clocked = kind.__new__(kind)
    clocked.__setstate__({name: value for name, value in optimizer.__dict__.items() if name != "step"})
    return clocked
