"""The entries of a parameter that belong to young units, and how old they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

# Youth ends where 1 - β^t has reached about a tenth, at 100 steps for β = 0.999; 20 steps are the least.
SHARE_OF_HORIZON = 0.1
SHORTEST_YOUTH = 20

# From here on 1 - β^t is one.
NEGLIGIBLE = 1e-8


def years_of_youth(betas: Sequence[float | Tensor]) -> int:
    """For how many steps the entries of a newborn unit keep a clock of their own."""
    slowest = max(float(beta) for beta in betas)
    return max(SHORTEST_YOUTH, math.ceil(SHARE_OF_HORIZON / (1 - slowest)))


@lru_cache(maxsize=64)
def bias_corrections(beta: float, device: torch.device) -> Float[Tensor, " ages"]:
    """Adam's bias correction 1 - β^t for t = 0, 1, …, until it is one (and 1 at t = 0, where there is no moment)."""
    ages = 2 + (math.ceil(math.log(NEGLIGIBLE) / math.log(beta)) if beta > 0 else 0)
    correction = 1 - float(beta) ** torch.arange(ages, dtype=torch.float64)
    correction[0] = 1
    return correction.float().to(device)


class Young:
    """The young entries of one parameter: where they are, and the two clocks that they could go by.

    Args:
        parameter: the parameter.
        positions: of the entries in the flattened parameter.
        clocks: each entry's own age, and how much older the parameter is.
        cohorts: for each restart, the oldest first, the number of steps left until its entries come of age, and their
            number. Known on the host, so that nobody asks the device.
    """

    def __init__(
        self,
        parameter: Tensor,
        positions: Int[Tensor, " n"] | None = None,
        clocks: Int[Tensor, "2 n"] | None = None,
        cohorts: Sequence[Sequence[int]] = (),
    ) -> None:
        device = parameter.device
        self.parameter = parameter
        self.positions = torch.zeros(0, dtype=torch.int64, device=device) if positions is None else positions.to(device)
        self.clocks = torch.zeros(2, 0, dtype=torch.int64, device=device) if clocks is None else clocks.to(device)
        self.cohorts = [list(cohort) for cohort in cohorts]

    def add(self, axis: int, index: Int[Tensor, " k"], step: Tensor, years: int) -> None:
        """Takes up the entries ``index`` along ``axis``, born after step number ``step`` of their parameter."""
        shape = self.parameter.shape
        inner = math.prod(shape[axis + 1 :])
        # An entry that is young already is born again: its former self goes by the parameter's clock from now on.
        again = torch.isin(self.positions // inner % shape[axis], index)
        self.clocks[0] += torch.where(again, self.clocks[1], 0)
        self.clocks[1].masked_fill_(again, 0)
        positions = positions_along(axis, index, shape)
        newborn = torch.zeros(2, len(positions), dtype=torch.int64, device=positions.device)
        newborn[1] = step
        self.positions, self.clocks = torch.cat([self.positions, positions]), torch.cat([self.clocks, newborn], 1)
        self.cohorts.append([years, len(positions)])

    def entries(self, tensor: Tensor) -> Float[Tensor, " n"]:
        """The young entries of a tensor of the parameter's shape."""
        return tensor.flatten().index_select(0, self.positions)

    def grow_older(self) -> int:
        """One step less until the cohorts come of age; how many entries do so now."""
        for cohort in self.cohorts:
            cohort[0] -= 1
        return sum(count for years, count in self.cohorts if years <= 0)

    def come_of_age(self, count: int, moments: Sequence[tuple[Tensor, float]]) -> None:
        """Scales the moments of the oldest entries so that the parameter's clock fits them, and lets go of them.

        Args:
            count: how many entries.
            moments: the parameter's moments, each with its β.
        """
        positions, (own, older) = self.positions[:count], self.clocks[:, :count]
        for moment, beta in moments:
            correction = bias_corrections(beta, moment.device)
            growth = at_age(correction, own + older) / at_age(correction, own) - 1
            moment.put_(positions, (moment.take(positions) * growth).to(moment.dtype), accumulate=True)
        self.positions, self.clocks = self.positions[count:], self.clocks[:, count:]
        self.cohorts = [cohort for cohort in self.cohorts if cohort[0] > 0]

    def state(self) -> dict[str, Any]:
        """What has to be saved to go on exactly."""
        return {"positions": self.positions, "clocks": self.clocks, "cohorts": [list(each) for each in self.cohorts]}


def at_age(correction: Float[Tensor, " ages"], age: Int[Tensor, " n"]) -> Float[Tensor, " n"]:
    """Looks bias corrections up."""
    return correction[age.clamp(max=len(correction) - 1)]


def positions_along(axis: int, index: Int[Tensor, " k"], shape: torch.Size) -> Int[Tensor, " n"]:
    """Where the entries ``index`` along ``axis`` are in a flattened tensor of this shape."""
    outer, inner = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
    before = torch.arange(outer, device=index.device)[:, None, None] * (shape[axis] * inner)
    return (before + index[:, None] * inner + torch.arange(inner, device=index.device)).flatten()
