"""Random numbers by address: task 7 is the same whether or not tasks 0 to 6 were ever visited."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Draws:
    """A family of generators, one per task, that depends on nothing but the seed.

    Args:
        seed: The seed of the task sequence, at least 0.
        position: Which of several changes on one environment is drawing, so that they draw independently.
    """

    seed: int
    position: int = 0

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"seed must be at least 0, got {self.seed}")

    def __getitem__(self, index: int) -> np.random.Generator:
        """A fresh generator for task ``index``."""
        # NumPy pads the entropy with zeros: for the first change this is default_rng([seed, index]).
        return np.random.default_rng([self.seed, index, self.position])
