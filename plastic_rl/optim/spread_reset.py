"""Spread resets: at a change a policy explores as much as it did at first.

Ours. What sets weights anew at a change opens a policy that chooses among a few actions again, as its logits are made
of weights. How far a Gaussian policy's actions spread is a parameter of its own, which no layer holds: it shrinks as
one task is learned, and the next one is met with what is left of it (docs/plasticity_in_rl.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, layer_order
from plastic_rl.optim.forgetting import forget_parameters
from plastic_rl.optim.occasional import Occasional
from plastic_rl.optim.stacked.seed_by_seed import SeedBySeed


class SpreadReset(Occasional):
    """Sets a Gaussian policy's log deviation back to where it began when a task begins, at an interval, or when told.

    That is what a network holds outside its layers: PPO's ``log_std``, a vector with one number for each action, or a
    matrix with state-dependent exploration. Values are written into the parameters that there are, and the optimiser
    forgets what it knows of them. A policy whose spread a layer computes (SAC's) has none, nor one that chooses among
    a few actions.

    Args:
        optimizer: what moves the parameters; only those that train when it is wrapped are set back.
        layers: hidden layers of the policy, by which its network is known.
        on_change: act when a task begins, but for the first.
        every: updates between two actions; 0 for no interval.
        if_any: say nothing where the network has no spread: for combinations that are to go with any policy.

    Raises:
        ValueError: the interval is not a whole number of 0 or more.
    """

    vectorized = SeedBySeed
    follows_resizing = True
    counter = "spread_reset/times"

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Sequence[HiddenLayer] = (),
        *,
        on_change: bool = True,
        every: int = 0,
        if_any: bool = False,
    ) -> None:
        super().__init__(optimizer, on_change=on_change, every=every)
        self.if_any = if_any
        self.memory["start"] = []
        self.spreads: list[Tensor] = []
        self.find(layers)

    def find(self, layers: Sequence[HiddenLayer]) -> None:
        """Finds the spreads, and where those that are new to it start."""
        known = dict(zip(map(id, self.spreads), self.memory["start"], strict=True))
        held = {id(each) for network in layer_order(layers).networks for each in network.parameters(recurse=False)}
        self.spreads = [each for each in self.trained if id(each) in held]
        self.memory["start"] = [known.get(id(each), each.detach().clone()) for each in self.spreads]

    def act(self) -> None:
        for spread, start in zip(self.spreads, self.memory["start"], strict=True):
            if spread.requires_grad:
                spread.copy_(start)
        forget_parameters(self.optimizer, [each for each in self.spreads if each.requires_grad])

    def reset(self) -> None:
        """Sets the spread back at this moment."""
        self.act_now()

    def reattach(self, layers: Sequence[HiddenLayer]) -> None:
        super().reattach(layers)
        self.find(layers)

    def concerns(self, updates: int | None = None) -> Iterator[str]:
        yield from super().concerns(updates)
        if not self.spreads and not self.if_any:
            yield (
                "The network holds no parameter outside its layers, as a Gaussian policy of continuous actions does: "
                "SpreadReset has nothing to set back."
            )

    @torch.no_grad()
    def load_memory(self, memory: dict[str, Any]) -> None:
        super().load_memory(memory)
        for start, saved in zip(self.memory["start"], memory["start"], strict=True):
            start.copy_(saved)
