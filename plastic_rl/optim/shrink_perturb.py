"""Shrink and perturb: weights that are drawn towards zero and disturbed a little after every step.

Ash & Adams, "On Warm-Starting Neural Network Training", NeurIPS 2020, in the form of Dohare et al. (2024): a little at
each step instead of much at each change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer
from plastic_rl.optim.base import PlasticOptimizer
from plastic_rl.optim.noise import normal_noise
from plastic_rl.optim.stacked.seed_by_seed import SeedBySeed
from plastic_rl.validation import fraction, non_negative


class ShrinkPerturb(PlasticOptimizer):
    """After each step, θ ← (1 - shrink) θ + noise_std ε with ε ~ N(0, 1), for every parameter that trains.

    Dohare et al. (2024) shrink by the L2 regularisation of SGD (its ``weight_decay``) and leave ``shrink`` at 0.

    Args:
        optimizer: what moves the parameters.
        layers: not looked at; all parameters of the optimiser that train are shrunk and perturbed.
        shrink: the share of each weight that is lost, from 0 to 1.
        noise_std: σ, the standard deviation of the noise.
        seed: of the noise; None takes torch's initial seed. The global random-number stream is never touched.

    Raises:
        ValueError: for a hyper-parameter out of its range.
    """

    vectorized = SeedBySeed
    follows_resizing = True

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Sequence[HiddenLayer] = (),
        *,
        shrink: float = 0.0,
        noise_std: float = 1e-5,
        seed: int | None = None,
    ) -> None:
        super().__init__(optimizer)
        self.shrink = fraction("shrink", shrink)
        self.noise_std = non_negative("noise_std", noise_std)
        self.memory = {"step": 0, "seed": torch.initial_seed() if seed is None else seed}

    def after_step(self) -> None:
        """Shrinks and perturbs, with draws that are a function of the seed and the number of the step."""
        self.memory["step"] += 1
        parameters = self.trained
        if not parameters:
            return
        if self.shrink:
            torch._foreach_mul_(parameters, 1 - self.shrink)  # pyright: ignore[reportPrivateImportUsage]
        if self.noise_std:
            noise = normal_noise(parameters, std=self.noise_std, seed=self.memory["seed"], step=self.memory["step"])
            torch._foreach_add_(parameters, noise)  # pyright: ignore[reportPrivateImportUsage]

    def load_memory(self, memory: dict[str, Any]) -> None:
        # The numbers alone: two optimisers must not count in one dict.
        self.memory.update(step=int(memory["step"]), seed=int(memory["seed"]))
