"""The entries of a parameter that belong to young units, and how far Adam's moments of them have warmed up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from plastic_rl.layers import Along

# For how many steps the entries of a newborn unit keep a clock of their own. A longer youth follows a fresh Adam for
# longer, and costs time in proportion (docs/overhead.md).
YOUTH = 20


class Young:
    """The young entries of one parameter: where they are, and the bias corrections 1 - β^t that they could go by.

    Args:
        parameter: the parameter.
        positions: of the entries in the flattened parameter.
        corrections: of both moments, by each entry's own age (the first two rows) and by the parameter's (the others).
        cohorts: for each restart, the oldest first, the number of steps left until its entries come of age, and their
            number. Known on the host, so that nobody asks the device.
    """

    def __init__(
        self,
        parameter: Tensor,
        positions: Int[Tensor, " n"] | None = None,
        corrections: Float[Tensor, "4 n"] | None = None,
        cohorts: Sequence[Sequence[int]] = (),
    ) -> None:
        self.parameter, device = parameter, parameter.device
        self.dtype = torch.promote_types(parameter.dtype, torch.float32)
        self.positions = torch.zeros(0, dtype=torch.int64) if positions is None else positions
        self.corrections = torch.zeros(4, 0, dtype=self.dtype) if corrections is None else corrections
        self.positions, self.corrections = self.positions.to(device), self.corrections.to(device)
        self.cohorts = [list(cohort) for cohort in cohorts]

    def add(self, axis: int | None, index: Int[Tensor, " k"], step: Tensor, betas: Sequence[float | Tensor]) -> None:
        """Takes up entries, born after step number ``step`` of their parameter.

        Args:
            axis: the axis along which they are slices; None where ``index`` says where in the flattened parameter.
            index: which of them.
            step: the number of the parameter's last step.
            betas: the decay rates of both moments.
        """
        shape = self.parameter.shape
        if self.cohorts:
            # An entry that is young already is born again: its former self goes by the parameter's age from now on.
            along = self.positions if axis is None else self.positions // math.prod(shape[axis + 1 :]) % shape[axis]
            again = torch.isin(along, index)
            self.corrections[:2] = torch.where(again, self.corrections[2:], self.corrections[:2])
        positions = index if axis is None else positions_along(axis, index, shape)
        newborn = torch.zeros(4, len(positions), dtype=self.dtype, device=positions.device)
        newborn[2:] = -torch.expm1(step * logarithms(tuple(betas), self.dtype, step.device))  # 1 - β^t, also if small
        self.positions = torch.cat([self.positions, positions]) if self.cohorts else positions
        self.corrections = torch.cat([self.corrections, newborn], 1) if self.cohorts else newborn
        self.cohorts.append([YOUTH, len(positions)])

    def resize(self, along: Along) -> None:
        """Follows the entries to where they are in the parameter once it has changed its shape; some may be gone."""
        shape = self.parameter.shape
        counted = torch.arange(self.parameter.numel(), device=self.positions.device).view(shape)
        places = along.of(counted, newborn=-1.0).flatten()
        now = torch.full((self.parameter.numel() + 1,), -1, device=places.device)  # newborn ones write to the last
        now[places] = torch.arange(len(places), device=places.device)
        moved = now[self.positions]
        stays = moved >= 0
        cohorts = stays.split([count for _, count in self.cohorts])
        self.cohorts = [[years, int(part.sum())] for (years, _), part in zip(self.cohorts, cohorts, strict=True)]
        self.cohorts = [cohort for cohort in self.cohorts if cohort[1]]
        self.positions, self.corrections = moved[stays], self.corrections[:, stays]

    def grow_older(self) -> int:
        """One step less until the cohorts come of age; how many entries do so now."""
        for cohort in self.cohorts:
            cohort[0] -= 1
        return sum(count for years, count in self.cohorts if years <= 0)

    def scale(self, count: int, first: Sequence[Tensor], second: Sequence[Tensor]) -> None:
        """Scales the moments of the oldest entries so that the parameter's age fits them.

        Args:
            count: how many entries.
            first: the parameter's first moments.
            second: its second moments.
        """
        positions, corrections = self.positions[:count], self.corrections[:, :count]
        growths = corrections[2:] / corrections[:2] - 1
        for moments, growth in zip((first, second), growths, strict=True):
            for moment in moments:
                moment.put_(positions, (moment.take(positions) * growth).to(moment.dtype), accumulate=True)

    def let_go(self, count: int) -> None:
        """Keeps no clock of the oldest entries any more, those that have come of age."""
        self.positions, self.corrections = self.positions[count:], self.corrections[:, count:]
        self.cohorts = [cohort for cohort in self.cohorts if cohort[0] > 0]

    def state_dict(self) -> dict[str, Any]:
        """The state that is needed to go on exactly."""
        cohorts = [list(cohort) for cohort in self.cohorts]
        return {"positions": self.positions.clone(), "corrections": self.corrections.clone(), "cohorts": cohorts}


@lru_cache(maxsize=64)
def warming(
    betas: tuple[float | Tensor, ...], dtype: torch.dtype, device: torch.device
) -> tuple[Float[Tensor, "4 1"], Float[Tensor, "4 1"]]:
    """β and 1 - β of both moments, twice, on the device before a step needs them there."""
    decays = torch.tensor([float(beta) for beta in betas] * 2, dtype=torch.float64)[:, None]
    return decays.to(device, dtype), (1 - decays).to(device, dtype)


@lru_cache(maxsize=64)
def logarithms(betas: tuple[float | Tensor, ...], dtype: torch.dtype, device: torch.device) -> Float[Tensor, "2 1"]:
    """The natural logarithms of both β."""
    return torch.tensor([float(beta) for beta in betas], dtype=torch.float64)[:, None].log().to(device, dtype)


def positions_along(axis: int, index: Int[Tensor, " k"], shape: torch.Size) -> Int[Tensor, " n"]:
    """The places of the entries ``index`` along ``axis`` are in a flattened tensor of this shape."""
    outer, inner, device = math.prod(shape[:axis]), math.prod(shape[axis + 1 :]), index.device
    within = index if inner == 1 else (index[:, None] * inner + torch.arange(inner, device=device)).flatten()
    if outer == 1:
        return within
    stride = shape[axis] * inner
    return (torch.arange(0, outer * stride, stride, device=device)[:, None] + within).flatten()
