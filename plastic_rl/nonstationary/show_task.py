"""The task shown to the agent, for baselines that know what no learner is told."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from gymnasium.utils import RecordConstructorArgs

from plastic_rl.nonstationary.changes import Parameters


class ShowTask(gymnasium.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """An environment whose observation ends with the true parameters of the task in force.

    Args:
        env: An environment that is or wraps a ``Nonstationary``, with vectors for observations.

    Raises:
        ValueError: The observations are no vectors of floating-point numbers, or tasks are described by words, or by
            lists of different lengths.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        space, sizes = env.observation_space, {_context(self._parameters(index)).size for index in range(4)}
        if not isinstance(space, Box) or len(space.shape) != 1 or space.dtype.kind != "f":
            raise ValueError(f"ShowTask needs observations that are vectors of floating-point numbers, got {space}")
        if len(sizes) > 1:
            raise ValueError(f"ShowTask needs tasks with equally many parameters, got {sorted(sizes)}")
        room = np.full(sizes.pop(), np.inf)
        low, high = np.concatenate([space.low, -room]), np.concatenate([space.high, room])
        self.observation_space = Box(low.astype(space.dtype), high.astype(space.dtype), dtype=space.dtype.type)

    def observation(self, observation: Any) -> Any:
        task = self.get_wrapper_attr("task")
        return np.concatenate([observation, _context(task)]).astype(self.observation_space.dtype)

    def _parameters(self, index: int) -> Parameters:
        return self.get_wrapper_attr("parameters")(index)


def _context(task: Parameters) -> np.ndarray:
    """Every number in the task but its index, in order."""
    values = [np.atleast_1d(value) for name, value in task.items() if name != "index"]
    if any(value.dtype.kind not in "biuf" for value in values):
        raise ValueError(f"ShowTask needs tasks that are described by numbers, got {task}")
    return np.concatenate([value.astype(float) for value in values])
