"""A rollout buffer whose advantages are normalised over the whole rollout."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.buffers import RolloutBuffer
from torch import Tensor

# What torch's and Stable-Baselines3's normalisations add to a standard deviation.
SMALLEST = 1e-8


class NormalizedRolloutBuffer(RolloutBuffer):
    """SB3's rollout buffer; its advantages have mean 0 and deviation 1 over all steps and copies.

    PPO itself normalises within each minibatch, which makes the step depend on what else fell into it. Published code
    normalises over the rollout (Dohare et al. 2024; C-CHAIN, Tang et al. 2025)::

        model = PPO("MlpPolicy", env, normalize_advantage=False, rollout_buffer_class=NormalizedRolloutBuffer)

    Returns, which the critic learns, stay as they are.
    """

    def compute_returns_and_advantage(self, last_values: Tensor, dones: np.ndarray) -> None:
        super().compute_returns_and_advantage(last_values, dones)
        self.normalize_advantages()

    def normalize_advantages(self) -> None:
        """Normalises the advantages, in place."""
        numbers: Any = self.advantages
        numbers -= numbers.mean()
        numbers /= numbers.std(ddof=1) + SMALLEST
