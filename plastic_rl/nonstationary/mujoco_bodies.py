"""Changes of what acts on the bodies of a MuJoCo model: the ground, gravity, their mass, a push."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import gymnasium
import numpy as np

from plastic_rl.nonstationary.changes import NumberChange, Parameters
from plastic_rl.nonstationary.draws import Draws
from plastic_rl.nonstationary.mujoco_model import PhysicsChange, named_indices
from plastic_rl.nonstationary.values import LogUniformValues, Values, ValuesLike, values_of
from plastic_rl.protocols import SLIPPERY_ANT

FRICTIONS = LogUniformValues(SLIPPERY_ANT.friction_low, SLIPPERY_ANT.friction_high)
"""The frictions of Slippery Ant (Dohare et al., Nature 632, 2024)."""


@dataclass
class Friction(NumberChange, PhysicsChange):
    """Sliding friction: every geom's default is multiplied by one factor; two numbers are drawn between log-uniformly.

    The friction of a contact is the element-wise *maximum* over its two geoms (unless priorities or pairs say
    otherwise), so lowering the floor's alone changes nothing on Ant-v5: the feet keep theirs. Hence every geom. In
    Ant all defaults are 1, so there the factor is the friction of the Slippery Ant itself (Dohare et al. 2024, whose
    code writes the default geom of the XML); Hopper's and Walker2d's feet keep their proportion to the floor.
    """

    touches: ClassVar[tuple[str, ...]] = ("geom_friction",)
    parameter: ClassVar[str] = "friction"
    spread: ClassVar[Callable[[float, float], Values]] = LogUniformValues

    values: ValuesLike = FRICTIONS

    def write(self, model: Any, parameters: Parameters) -> None:
        model.geom_friction[:, 0] *= parameters["friction"]


@dataclass
class Gravity(NumberChange, PhysicsChange):
    """Gravity's strength, its default times a factor, and its direction if wanted.

    Args:
        tilts: Degrees by which gravity leans away from straight down, towards +x (or a heading).
        headings: Degrees from +x, counter-clockwise seen from above, towards which it leans.
    """

    touches: ClassVar[tuple[str, ...]] = ("opt.gravity",)
    parameter: ClassVar[str] = "gravity"

    tilts: ValuesLike | None = field(default=None, kw_only=True)
    headings: ValuesLike | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        angles = {"gravity_tilt": self.tilts, "gravity_heading": self.headings}
        self._angles = {name: values_of(values) for name, values in angles.items() if values is not None}

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        super().bind(env)
        self.refuse_zeros("opt.gravity")
        if np.any(self._defaults["opt.gravity"][:2]) or self._defaults["opt.gravity"][2] > 0:
            raise ValueError(f"Gravity needs gravity that points straight down, got {self._defaults['opt.gravity']}")

    def draw(self, index: int, draws: Draws) -> Parameters:
        parts = {"gravity_tilt": 1, "gravity_heading": 2}
        angles = {name: values.value(index, draws.of(parts[name])) for name, values in self._angles.items()}
        return {"gravity": self.number(index, draws), **angles}

    def write(self, model: Any, parameters: Parameters) -> None:
        tilt = np.radians(parameters.get("gravity_tilt", 0.0))
        heading = np.radians(parameters.get("gravity_heading", 0.0))
        strength = parameters["gravity"] * np.linalg.norm(model.opt.gravity)
        sideways = np.sin(tilt) * np.array([np.cos(heading), np.sin(heading), 0.0])
        model.opt.gravity[:] = strength * (sideways - [0.0, 0.0, np.cos(tilt)])


@dataclass
class BodyMass(NumberChange, PhysicsChange):
    """The mass of bodies together with their inertia, times a factor, as if their material had another density.

    Args:
        bodies: Names of the bodies; every body if None.
    """

    touches: ClassVar[tuple[str, ...]] = ("body_mass", "body_inertia")
    recomputes: ClassVar[bool] = True
    parameter: ClassVar[str] = "mass"

    bodies: Sequence[str] | None = field(default=None, kw_only=True)

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        super().bind(env)
        self._which = named_indices(env, "body", self.bodies)

    def write(self, model: Any, parameters: Parameters) -> None:
        model.body_mass[self._which] *= parameters["mass"]
        model.body_inertia[self._which] *= parameters["mass"]


@dataclass
class Push(NumberChange):
    """A steady horizontal force on one body, in newtons: wind, without the air that MuJoCo's own wind needs.

    Args:
        headings: Degrees from +x, counter-clockwise seen from above; +x if None.
        body: The body that is pushed; 1 is the first one, usually the torso.
    """

    touches: ClassVar[tuple[str, ...]] = ("data.xfrc_applied",)
    parameter: ClassVar[str] = "push"

    headings: ValuesLike | None = field(default=None, kw_only=True)
    body: int = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._headings = None if self.headings is None else values_of(self.headings)

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        data = getattr(env.unwrapped, "data", None)
        if data is None:
            raise ValueError(f"Push needs a MuJoCo environment, got {env.unwrapped}")
        if not 1 <= self.body < len(data.xfrc_applied):
            raise ValueError(f"body must be in [1, {len(data.xfrc_applied) - 1}], got {self.body}")
        self._force = np.zeros(3)

    def draw(self, index: int, draws: Draws) -> Parameters:
        heading = self._headings.value(index, draws.of(1)) if self._headings else 0.0
        return {"push": self.number(index, draws), "push_heading": heading}

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        heading = np.radians(parameters["push_heading"])
        self._force = parameters["push"] * np.array([np.cos(heading), np.sin(heading), 0.0])

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self._force = np.zeros(3)
        self.before_step(env)

    def before_step(self, env: gymnasium.Env[Any, Any]) -> None:
        # A reset of the simulation clears the forces that were applied.
        env.unwrapped.data.xfrc_applied[self.body, :3] = self._force  # pyright: ignore[reportAttributeAccessIssue]
