"""Changes of a MuJoCo model's physics, always from the defaults that the model came with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import gymnasium
import numpy as np

from plastic_rl.nonstationary.changes import Change, Parameters
from plastic_rl.nonstationary.draws import Draws
from plastic_rl.nonstationary.values import LogUniform, Values


class PhysicsChange(Change):
    """A change that writes fields of ``env.unwrapped.model`` and remembers what they were."""

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        model = getattr(env.unwrapped, "model", None)
        if model is None:
            raise ValueError(f"{type(self).__name__} needs a MuJoCo environment, got {env.unwrapped}")
        self._defaults = {name: np.copy(getattr(model, name)) for name in self.touches}

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        self.undo(env)
        self.write(env.unwrapped.model, parameters)  # pyright: ignore[reportAttributeAccessIssue]

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        for name, default in self._defaults.items():
            getattr(env.unwrapped.model, name)[:] = default  # pyright: ignore[reportAttributeAccessIssue]

    def write(self, model: Any, parameters: Parameters) -> None:
        """Writes the parameters into a model whose touched fields hold their defaults."""
        raise NotImplementedError


@dataclass
class Friction(PhysicsChange):
    """Sliding friction: every geom's default is multiplied by one factor.

    The friction of a contact is the element-wise *maximum* over its two geoms (unless priorities or pairs say
    otherwise), so lowering the floor's alone changes nothing on Ant-v5: the feet keep theirs. Hence every geom. In
    Ant all defaults are 1, so there the factor is the friction of the Slippery Ant itself (Dohare et al. 2024, whose
    code writes the default geom of the XML); Hopper's and Walker2d's feet keep their proportion to the floor.

    Args:
        low: Smallest factor.
        high: Largest factor; the draws are log-uniform in between.
        factors: Where the factors come from instead of the log-uniform draws, if given.
    """

    touches: ClassVar[tuple[str, ...]] = ("geom_friction",)

    low: float = 0.02
    high: float = 2.0
    factors: Values | None = None

    def __post_init__(self) -> None:
        self._factors = self.factors or LogUniform(self.low, self.high)

    def draw(self, index: int, draws: Draws) -> Parameters:
        return {"friction": self._factors.value(index, draws)}

    def write(self, model: Any, parameters: Parameters) -> None:
        model.geom_friction[:, 0] *= parameters["friction"]
