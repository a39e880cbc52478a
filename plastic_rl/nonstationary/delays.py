"""Changes of when: observations that arrive late, and actions that act late."""

from __future__ import annotations

from collections import deque
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar

import gymnasium

from plastic_rl.nonstationary.changes import NumberChange, Parameters
from plastic_rl.nonstationary.draws import Draws


@dataclass
class Delay(NumberChange):
    """A change that hands on what came so many steps ago; at the beginning of an episode, what came first.

    Whatever comes is copied into the queue and out of it: environments may use one array for all their observations,
    and agents work on what they were shown. The number of steps is rounded, and at least 0.
    """

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        self.undo(env)

    def draw(self, index: int, draws: Draws) -> Parameters:
        return {self.parameter: max(round(self.number(index, draws)), 0)}

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        self._queue = deque(self._queue, maxlen=parameters[self.parameter] + 1)

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self._queue: deque[Any] = deque(maxlen=1)

    def begin_episode(self, seed: int | None) -> None:
        self._queue.clear()

    def delayed(self, item: Any) -> Any:
        """Takes in what comes now, and returns what is handed on now."""
        self._queue.append(deepcopy(item))
        return deepcopy(self._queue[0])

    def state_dict(self) -> dict[str, Any]:
        return {"queue": deepcopy(self._queue)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        (queue,) = state.values()  # called "seen" or "chosen" in older checkpoints
        self._queue = deepcopy(queue)


@dataclass
class DelayObservations(Delay):
    """The agent sees what was so many steps ago; at the beginning of an episode, its first observation."""

    parameter: ClassVar[str] = "observation_delay"

    def observation(self, observation: Any) -> Any:
        return self.delayed(observation)


@dataclass
class DelayActions(Delay):
    """The environment gets the action of so many steps ago; at the beginning of an episode, the first one."""

    parameter: ClassVar[str] = "action_delay"

    def action(self, action: Any) -> Any:
        return self.delayed(action)
