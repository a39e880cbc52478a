"""Changes that draw at every step: noise on what is seen, what is done and what is paid."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar
from zlib import crc32

import gymnasium
import numpy as np

from plastic_rl.nonstationary.actions import VectorAction
from plastic_rl.nonstationary.boxes import unbounded_box, vector_box
from plastic_rl.nonstationary.changes import Change, NumberChange, Parameters


class NoisyChange(Change):
    """A change that draws at every step, from a generator that ``reset(seed=...)`` seeds like the environment's own."""

    _generator: np.random.Generator | None = None

    @property
    def generator(self) -> np.random.Generator:
        """The generator, seeded by the last ``reset`` that named a seed; without one it differs in every life."""
        if self._generator is None:
            self._generator = np.random.default_rng()
        return self._generator

    def begin_episode(self, seed: int | None) -> None:
        if seed is not None:
            # The class's name keeps two kinds of noise on one environment apart.
            self._generator = np.random.default_rng([seed, crc32(type(self).__name__.encode())])

    def state_dict(self) -> dict[str, Any]:
        return {"generator": deepcopy(self._generator)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._generator = deepcopy(state["generator"])


@dataclass
class ObservationNoise(NoisyChange, NumberChange):
    """Normal noise of this standard deviation, drawn at every step, on every entry of the observation."""

    parameter: ClassVar[str] = "observation_noise"

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        self._deviation = 0.0

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        self._deviation = parameters["observation_noise"]

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self._deviation = 0.0

    def observation(self, observation: Any) -> Any:
        noise = self.generator.standard_normal(observation.shape)
        return (observation + self._deviation * noise).astype(observation.dtype)

    def observation_space(self, space: gymnasium.Space[Any]) -> gymnasium.Space[Any]:
        return unbounded_box(vector_box(space, self, "observations", kinds="f"))


@dataclass
class ActionNoise(VectorAction, NoisyChange, NumberChange):
    """Normal noise of this standard deviation on every entry of the action, clipped to what the environment takes."""

    kinds: ClassVar[str] = "f"
    parameter: ClassVar[str] = "action_noise"

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        self._deviation = parameters["action_noise"]

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self._deviation = 0.0

    def action(self, action: Any) -> Any:
        action = np.asarray(action)
        noise = self.generator.standard_normal(action.shape)
        return self._clipped(action + self._deviation * noise) if self._deviation else action


@dataclass
class RewardNoise(NoisyChange, NumberChange):
    """Normal noise of this standard deviation, drawn at every step, on the reward."""

    parameter: ClassVar[str] = "reward_noise"

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        self.undo(env)

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        self._deviation = parameters["reward_noise"]

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self._deviation = 0.0

    def reward(self, reward: float, info: dict[str, Any]) -> float:
        return reward + self._deviation * float(self.generator.standard_normal())
