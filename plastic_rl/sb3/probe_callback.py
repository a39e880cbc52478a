"""A callback that probes a model every so many steps, beside its training and without touching it."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from plastic_rl.diagnostics.probing import ProbeSettings
from plastic_rl.runs import random_state, restore_random_state
from plastic_rl.sb3.interval import Interval
from plastic_rl.sb3.network_metrics import chosen
from plastic_rl.sb3.probing import copy_of, probe_policy, twins
from plastic_rl.sb3.save_observations import collected_observations
from plastic_rl.validation import whole_number


class ProbeCallback(BaseCallback):
    """Records ``probe/gap/actor``, ``probe/gap/critic`` and so on: can the model still learn?

    ::

        model.learn(1_000_000, callback=ProbeCallback(every=100_000))

    A copy of the policy and fresh ones learn the same new targets on the observations of the last rollout, or of the
    replay buffer (:mod:`plastic_rl.diagnostics.probing`). The training is bit for bit the same with it.

    Args:
        every: environment steps from one probe to the next, which waits for the end of a rollout.
        settings: of the probe.

    Raises:
        ValueError: ``every`` is not 1 or more.
    """

    def __init__(self, every: int = 100_000, settings: ProbeSettings | None = None) -> None:
        super().__init__()
        self.every = whole_number("every", every)
        if not self.every:
            raise ValueError("every must be 1 or more, got 0")
        self.settings = ProbeSettings() if settings is None else settings

    def _on_training_start(self) -> None:
        copy_of(self.model)  # what cannot be copied is refused before anything is trained
        self.interval = Interval(self.every, since=self.num_timesteps)

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        if self.interval.is_over(self.num_timesteps):
            for name, value in self.probed().items():
                self.logger.record(name, value)

    def probed(self) -> dict[str, float]:
        """The numbers of a probe now."""
        kept = random_state()
        try:
            aged, fresh = copy_of(self.model), twins(self.model, self.settings.repeats, self.settings.seed + 1)
            found = probe_policy(aged, fresh, self._observations(), self.settings)
        finally:
            restore_random_state(kept)
        return {name: value for part, result in found.items() for name, value in result.numbers(part).items()}

    def _observations(self) -> Any:
        rows = collected_observations(self.model)
        if isinstance(rows, dict):
            return {name: self._some(each) for name, each in rows.items()}
        return self._some(rows)

    def _some(self, rows: np.ndarray) -> np.ndarray:
        return rows[chosen(len(rows), self.settings.samples)]
