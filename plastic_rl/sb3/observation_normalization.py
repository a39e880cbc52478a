"""Running statistics of observations that forget: an exponential average in the place of one over all that was seen.

In a world that changes, the mean over all tasks so far is that of none of them. An average that forgets follows.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecEnv, VecNormalize


class ForgettingMeanStd(RunningMeanStd):
    """The mean and variance of an exponential average: an observation counts `decay` times as much as the one after it.

    With weights w = decay^age the mean is Σ w x / Σ w, from the first observation on: the bias correction of Adam is
    part of it. With a decay of 1 it is Stable-Baselines3's.

    Args:
        decay: in (0, 1]; the average looks back over some 1 / (1 - decay) observations.
        shape: of an observation.
    """

    def __init__(self, decay: float, shape: tuple[int, ...] = ()) -> None:
        super().__init__(shape=shape)
        self.decay = decay

    def update_from_moments(self, batch_mean: Any, batch_var: Any, batch_count: int | float) -> None:
        """Takes in the moments of so many observations, all of the same age."""
        self.count *= self.decay**batch_count  # Σ w of what was seen before
        super().update_from_moments(batch_mean, batch_var, batch_count)

    def copy(self) -> ForgettingMeanStd:
        """The same statistics in arrays of their own."""
        return deepcopy(self)


class ForgettingNormalize(VecNormalize):
    """A VecNormalize whose statistics forget; saved, loaded and resumed as any other.

    ::

        env = ForgettingNormalize(make_vec_env("CartPole-v1"), decay=0.999, norm_reward=False)

    Args:
        venv: the environments.
        decay: in (0, 1], for each environment step of the run: with eight copies a step of all is eight.
        **settings: of VecNormalize.

    Raises:
        ValueError: the decay is out of its range.
    """

    def __init__(self, venv: VecEnv, *, decay: float, **settings: Any) -> None:
        if not 0 < decay <= 1:
            raise ValueError(f"decay must be above 0 and at most 1, got {decay}")
        super().__init__(venv, **settings)
        self.decay = decay
        if self.norm_obs:
            seen: Any = self.obs_rms
            one_by_one = {key: self._forgetting(each) for key, each in seen.items()} if isinstance(seen, dict) else None
            self.obs_rms = one_by_one or self._forgetting(seen)
        self.ret_rms = self._forgetting(self.ret_rms)

    def _forgetting(self, statistics: RunningMeanStd) -> ForgettingMeanStd:
        return ForgettingMeanStd(self.decay, np.shape(statistics.mean))
