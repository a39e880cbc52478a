"""Resets of the optimiser: at a change its moments and its clock start anew, and the weights stay.

Asadi, Fakoor, Sabach, "Resetting the optimizer in deep RL: an empirical study", NeurIPS 2023 (arXiv 2306.17833).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer
from plastic_rl.optim.forgetting import forget_everything
from plastic_rl.optim.occasional import Occasional
from plastic_rl.optim.stacked.seed_by_seed import SeedBySeed


class OptimizerReset(Occasional):
    """Lets the optimiser start over when a task begins, at an interval, or when told (Asadi et al. 2023).

    What it remembers of gradients is forgotten: moments, momenta, steps. What the methods around it remember stays.

    Args:
        optimizer: what starts over.
        layers: not looked at.
        on_change: act when a task begins, but for the first.
        every: updates between two actions; 0 for no interval.

    Raises:
        ValueError: the interval is not a whole number of 0 or more.
    """

    vectorized = SeedBySeed
    follows_resizing = True
    counter = "optimizer_reset/times"

    def __init__(
        self, optimizer: Optimizer, layers: Sequence[HiddenLayer] = (), *, on_change: bool = True, every: int = 0
    ) -> None:
        super().__init__(optimizer, on_change=on_change, every=every)

    def act(self) -> None:
        forget_everything(self.optimizer)

    def reset(self) -> None:
        """Lets the optimiser start over at this moment."""
        self.act_now()

    def concerns(self, updates: int | None = None) -> Iterator[str]:
        yield from super().concerns(updates)
        if self.defaults.get("momentum") == 0 and "eps" not in self.defaults:
            yield "The optimiser has no momentum and remembers nothing: there is nothing to reset."
