"""Adam on local time: its clock starts anew where what it learns does, and its moments stay.

Ellis, Jackson, Lupu, Goldie, Fellows, Whiteson, Foerster, "Adam on local time: addressing nonstationarity in RL with
relative Adam timesteps", NeurIPS 2024 (arXiv 2412.17113).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer
from plastic_rl.optim.forgetting import restart_clocks
from plastic_rl.optim.occasional import Occasional
from plastic_rl.optim.stacked.seed_by_seed import SeedBySeed


class AdamRel(Occasional):
    """Sets t of Adam's bias corrections 1 - β^t to zero when the updates on a rollout begin, or when a task does.

    With moments that are kept, the step at t = 1 is (m / (1 - β_1)) / √(v / (1 - β_2)): with β of 0.9 and 0.999 a third
    of the step at a large t. So gradients that grow all at once with a new objective do not make steps that are too
    long while the second moment is still that of the old one.

    Args:
        optimizer: Adam, AdamW or a relative of theirs.
        layers: not looked at.
        on_rollout: count anew when the updates on a rollout begin (:class:`plastic_rl.sb3.RolloutClock`).
        on_change: count anew when a task begins, but for the first.
        every: updates between two new counts; 0 for no interval.

    Raises:
        ValueError: the optimiser has no clock, or the interval is not a whole number of 0 or more.
    """

    vectorized = SeedBySeed
    follows_resizing = True
    counter = "adam_rel/restarts"

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Sequence[HiddenLayer] = (),
        *,
        on_rollout: bool = True,
        on_change: bool = True,
        every: int = 0,
    ) -> None:
        super().__init__(optimizer, on_change=on_change, every=every)
        if "betas" not in self.defaults:
            kind = type(optimizer).__name__
            raise ValueError(f"Adam-Rel restarts Adam's clock, and {kind} has none; wrap Adam, AdamW or the like")
        self.on_rollout = on_rollout

    def act(self) -> None:
        restart_clocks(self.optimizer)

    def restart(self) -> None:
        """Counts anew from now on."""
        self.act_now()

    def at_rollout(self) -> None:
        if self.on_rollout:
            self.act_now()

    @property
    def waits_for_changes(self) -> bool:
        return super().waits_for_changes and not self.on_rollout

    @property
    def waits_for_rollouts(self) -> bool:
        return self.on_rollout and not self.every

    def concerns(self, updates: int | None = None) -> Iterator[str]:
        if not self.on_rollout:
            yield from super().concerns(updates)
