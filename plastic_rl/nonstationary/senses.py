"""Changes of what the agent sees: the world stays as it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box

from plastic_rl.nonstationary.changes import Change, Parameters
from plastic_rl.nonstationary.draws import Draws


def vector_space(space: gymnasium.Space[Any], change: Change) -> Box:
    """``space``, if it is one of vectors; a ValueError that names ``change`` if not."""
    if isinstance(space, Box) and len(space.shape) == 1:
        return space
    raise ValueError(f"{type(change).__name__} needs observations that are vectors, got {space}")


@dataclass
class PermuteObservations(Change):
    """The entries of the observation in another order and, if wanted, with other signs.

    What the agent sees at place ``i`` is entry ``permutation[i]`` times ``signs[i]``; nothing is lost.

    Args:
        signs: Whether half of the entries, on average, change sign.
    """

    signs: bool = True

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        self._size = vector_space(env.observation_space, self).shape[0]

    def draw(self, index: int, draws: Draws) -> Parameters:
        generator = draws[index]
        permutation = generator.permutation(self._size).tolist()
        signs = generator.choice([-1, 1], self._size).tolist() if self.signs else [1] * self._size
        return {"permutation": permutation, "signs": signs}

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        self._permutation = np.array(parameters["permutation"])
        self._signs = np.array(parameters["signs"])

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self._permutation, self._signs = np.arange(self._size), np.ones(self._size, int)

    def observation(self, observation: Any) -> Any:
        return (observation[self._permutation] * self._signs).astype(observation.dtype)

    def observation_space(self, space: gymnasium.Space[Any]) -> gymnasium.Space[Any]:
        """The box that holds every entry at every place: one lowest and one highest bound for all."""
        box = vector_space(space, self)
        low, high = box.low.min(), box.high.max()
        if self.signs:
            low, high = min(low, -high), max(high, -low)
        return Box(low, high, box.shape, dtype=box.dtype.type)
