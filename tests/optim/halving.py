"""A method that acts now and then, in a way that can be counted in the weights."""

from __future__ import annotations

from collections.abc import Sequence

from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer
from plastic_rl.optim.occasional import Occasional


class Halving(Occasional):
    """Halves all weights each time it acts, and notes rollouts in its memory."""

    counter = "halving/times"

    def __init__(
        self, optimizer: Optimizer, layers: Sequence[HiddenLayer] = (), *, on_change: bool = True, every: int = 0
    ) -> None:
        super().__init__(optimizer, on_change=on_change, every=every)
        self.rollouts: list[int] = []
        self.changes: list[int] = []

    def act(self) -> None:
        self.changes.append(self.memory["step"])
        for parameter in self.trained:
            parameter.mul_(0.5)

    def at_rollout(self) -> None:
        self.rollouts.append(self.memory["step"])
