"""Changes of the reward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import gymnasium
import numpy as np

from plastic_rl.nonstationary.changes import Change, NumberChange, Parameters


@dataclass
class ScaleReward(NumberChange):
    """The reward times a factor; ``ScaleReward(Listed([1, -1]))`` turns its sign around and back."""

    parameter: ClassVar[str] = "reward_scale"

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        self.undo(env)

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        self._factor = parameters["reward_scale"]

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self._factor = 1.0

    def reward(self, reward: float, info: dict[str, Any]) -> float:
        return reward * self._factor


@dataclass
class ShiftReward(NumberChange):
    """The reward plus a constant, the same on every step of a task."""

    parameter: ClassVar[str] = "reward_shift"

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        self.undo(env)

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        self._shift = parameters["reward_shift"]

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self._shift = 0.0

    def reward(self, reward: float, info: dict[str, Any]) -> float:
        return reward + self._shift


class GoalChange(Change):
    """A change of the part of the reward that pays for forward speed, in Gymnasium's MuJoCo locomotion environments."""

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        weight = getattr(env.unwrapped, "_forward_reward_weight", None)
        if weight is None:
            raise ValueError(f"{type(self).__name__} needs an environment that pays for speed, got {env.unwrapped}")
        self._weight, self._on = float(weight), False

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self._on = False

    def reward(self, reward: float, info: dict[str, Any]) -> float:
        if not self._on:
            return reward
        others = reward - float(info["reward_forward"])
        return others + self._weight * self.pay(float(info["x_velocity"]), float(info.get("y_velocity", 0.0)))

    def pay(self, x_velocity: float, y_velocity: float) -> float:
        """The worth of moving at this velocity, in m/s."""
        raise NotImplementedError


@dataclass
class GoalDirection(GoalChange, NumberChange):
    """The direction that is paid for, in degrees from +x, counter-clockwise seen from above.

    ``Listed([0, 180])`` makes HalfCheetah-Dir; for Ant any angle will do.
    """

    parameter: ClassVar[str] = "goal_heading"

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        angle = np.radians(parameters["goal_heading"])
        self._cosine, self._sine, self._on = float(np.cos(angle)), float(np.sin(angle)), True

    def pay(self, x_velocity: float, y_velocity: float) -> float:
        return self._cosine * x_velocity + self._sine * y_velocity


@dataclass
class TargetSpeed(GoalChange, NumberChange):
    """The speed along +x, in m/s, that is paid for: the distance to it is the price, as in HalfCheetah-Vel.

    (Finn et al., "Model-agnostic meta-learning", 2017.)
    """

    parameter: ClassVar[str] = "target_speed"

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        self._speed, self._on = parameters["target_speed"], True

    def pay(self, x_velocity: float, y_velocity: float) -> float:
        return -abs(x_velocity - self._speed)
