"""Changes of what the agent sees that depend on chance, or on what came before."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import gymnasium

from plastic_rl.nonstationary.changes import Change, NoisyChange, Parameters
from plastic_rl.nonstationary.draws import Draws
from plastic_rl.nonstationary.senses import unbounded
from plastic_rl.nonstationary.values import Values


@dataclass
class ObservationNoise(NoisyChange):
    """Normal noise, drawn at every step, on every entry of the observation.

    Args:
        deviations: Its standard deviation, at least 0.
    """

    deviations: Values

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        self._deviation = 0.0

    def draw(self, index: int, draws: Draws) -> Parameters:
        return {"observation_noise": self.deviations.value(index, draws)}

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        self._deviation = parameters["observation_noise"]

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self._deviation = 0.0

    def observation(self, observation: Any) -> Any:
        noise = self.generator.standard_normal(observation.shape)
        return (observation + self._deviation * noise).astype(observation.dtype)

    def observation_space(self, space: gymnasium.Space[Any]) -> gymnasium.Space[Any]:
        return unbounded(space, self)


@dataclass
class DelayObservations(Change):
    """The agent sees what was so many steps ago; at the beginning of an episode, its first observation.

    Args:
        steps: How many steps, rounded, at least 0.
    """

    steps: Values

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        self._seen: deque[Any] = deque(maxlen=1)

    def draw(self, index: int, draws: Draws) -> Parameters:
        return {"observation_delay": max(round(self.steps.value(index, draws)), 0)}

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        self._seen = deque(self._seen, maxlen=parameters["observation_delay"] + 1)

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self._seen = deque(maxlen=1)

    def begin_episode(self, seed: int | None) -> None:
        self._seen.clear()

    def observation(self, observation: Any) -> Any:
        self._seen.append(observation)
        return self._seen[0]

    def state_dict(self) -> dict[str, Any]:
        return {"seen": self._seen.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._seen = state["seen"].copy()
