"""The replacement of the least useful units of networks that lie side by side: generate and test."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from experiments.online.network import Networks
from experiments.online.training import Trainer
from experiments.online.words import Fresh
from plastic_rl.optim.budget import Budget
from plastic_rl.streams import Stream
from plastic_rl.streams.draws import signs, source

BLOCK = 4096  # units that are drawn at a time


class FreshRows:
    """Incoming weights of newborn units, a function of each seed and of how many there were before.

    Args:
        streams: one for each seed.
        fresh: how they are drawn.
        fan_in: of a unit.
    """

    def __init__(self, streams: Sequence[Stream], fresh: Fresh, fan_in: int) -> None:
        self.streams, self.fresh, self.fan_in = streams, fresh, fan_in
        self.used, self.block, self.rows = 0, 0, torch.empty(len(streams), 0, fan_in)

    def take(self, count: int) -> Float[Tensor, "seeds count fan_in"]:
        """The weights of the next units of each seed."""
        if self.used + count > self.rows.shape[1]:
            blocks = [self._drawn(stream.seed) for stream in self.streams]
            self.rows = torch.cat([self.rows[:, self.used :], torch.stack(blocks)], 1)
            self.block, self.used = self.block + 1, 0
        self.used += count
        return self.rows[:, self.used - count : self.used]

    def _drawn(self, seed: int) -> Tensor:
        draws = source(seed, "newborn", self.block)
        if self.fresh is Fresh.signs:
            return signs((BLOCK, self.fan_in), draws)
        return (torch.rand(BLOCK, self.fan_in, generator=draws) * 2 - 1) * math.sqrt(6 / self.fan_in)


class Replacement:
    """Continual backprop's rule for networks that lie side by side: the same, unit for unit, up to what is drawn.

    Args:
        streams: one for each seed.
        networks: whose units are replaced.
        rate: ρ, expected replacements per mature unit and update.
        maturity: m, a unit may be replaced once it is older than this many updates.
        decay: η of the running average of contributions |h w|.
        fresh: how newborn units are drawn.
        threshold: of newborn threshold units; of imprinted ones, the share of the square of their weights' length.
    """

    def __init__(
        self,
        streams: Sequence[Stream],
        networks: Networks,
        *,
        rate: float,
        maturity: int = 100,
        decay: float = 0.99,
        fresh: Fresh = Fresh.uniform,
        threshold: float = 0.0,
    ) -> None:
        self.networks, self.decay, self.fresh, self.threshold = networks, decay, fresh, threshold
        self.budget = Budget(networks.layout.units, rate, maturity)
        self.average, self.birth = torch.zeros_like(networks.head), torch.zeros_like(networks.head)
        self.rows, self.step = torch.arange(len(streams))[:, None], 0
        self.newborn = FreshRows(streams, fresh, networks.layout.inputs)

    def after_step(self, trainers: Sequence[Trainer], errors: Float[Tensor, " seeds"]) -> None:
        """Follows the units' contributions, and replaces those that fall due.

        Args:
            trainers: who have just learned.
            errors: target less prediction, before they did.
        """
        self.follow()
        count = self.budget.due(self.step, 0.0)
        if count:
            self.replace(self.least_useful(count), trainers, self.rows)

    def follow(self) -> None:
        """Counts the step, and follows the units' contributions."""
        self.step += 1
        self.average.lerp_((self.networks.hidden * self.networks.head).abs_(), 1 - self.decay)

    def least_useful(self, count: int) -> Int[Tensor, "seeds count"]:
        """The mature units of each seed that contribute least."""
        age = self.step - self.birth
        utility = self.average / (1 - self.decay**age).clamp_(min=torch.finfo(age.dtype).tiny)
        return utility.masked_fill_(age <= self.budget.maturity, torch.inf).topk(count, largest=False).indices

    def replace(self, units: Int[Tensor, "k count"], trainers: Sequence[Trainer], rows: Int[Tensor, "k 1"]) -> None:
        """Draws units afresh; they are silent, and nothing is remembered of those before them.

        Args:
            units: of each seed that counts.
            trainers: who forget them.
            rows: which seeds count.
        """
        networks = self.networks
        weights = self._incoming(units.shape[1])[rows[:, 0]]
        networks.weight[rows, units] = weights
        is_imprinted = self.fresh is Fresh.imprint
        networks.bias[rows, units] = -self.threshold * (weights.square().sum(2) if is_imprinted else 1.0)
        networks.head[rows, units] = 0.0
        self.average[rows, units], self.birth[rows, units] = 0.0, float(self.step)
        for trainer in trainers:
            trainer.forget(networks, rows, units)

    def _incoming(self, count: int) -> Float[Tensor, "seeds count inputs"]:
        if self.fresh is Fresh.imprint:
            return self.networks.inputs[:, None, :].expand(-1, count, -1)
        return self.newborn.take(count)
