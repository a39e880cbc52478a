"""Random numbers by address: task 7 is the same whether or not tasks 0 to 6 were ever visited."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Draws:
    """A family of generators, one per task, that depends on nothing but the seed.

    Args:
        seed: The seed of the task sequence, at least 0.
        position: Which of several changes on one environment is drawing, so that they draw independently.
        part: Which of several numbers of one change is drawn.
    """

    seed: int
    position: int = 0
    part: int = 0

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"seed must be at least 0, got {self.seed}")

    def __getitem__(self, index: int) -> np.random.Generator:
        """A fresh generator for task ``index``."""
        # NumPy pads entropy with zeros: for the first number of the first change this is default_rng([seed, index]).
        return np.random.default_rng([self.seed, index, self.position, self.part])

    def of(self, part: int) -> Draws:
        """The same tasks' generators for another number of the same change."""
        return replace(self, part=part)
