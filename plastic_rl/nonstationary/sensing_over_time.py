"""Changes of what the agent sees that depend on chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium

from plastic_rl.nonstationary.boxes import unbounded_box, vector_box
from plastic_rl.nonstationary.changes import NoisyChange, Parameters
from plastic_rl.nonstationary.draws import Draws
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
        return unbounded_box(vector_box(space, self, "observations", kinds="f"))
