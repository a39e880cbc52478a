"""Changes of a MuJoCo model's joints, actuators and forces, and of any field of it by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import gymnasium
import numpy as np

from plastic_rl.nonstationary.changes import Change, Parameters
from plastic_rl.nonstationary.draws import Draws
from plastic_rl.nonstationary.physics import PhysicsChange, named_indices, write_field
from plastic_rl.nonstationary.values import Values


@dataclass
class JointDamping(PhysicsChange):
    """The damping of every joint, multiplied by one factor."""

    touches: ClassVar[tuple[str, ...]] = ("dof_damping",)

    factors: Values

    def draw(self, index: int, draws: Draws) -> Parameters:
        return {"damping": self.factors.value(index, draws)}

    def write(self, model: Any, parameters: Parameters) -> None:
        model.dof_damping[:] *= parameters["damping"]


@dataclass
class JointStiffness(PhysicsChange):
    """The springs in hinges and slides: so much is added to each default (in most models 0: factors would do nothing).

    Args:
        added: Newton metres per radian, or newtons per metre.
    """

    touches: ClassVar[tuple[str, ...]] = ("jnt_stiffness",)

    added: Values

    def draw(self, index: int, draws: Draws) -> Parameters:
        return {"stiffness": self.added.value(index, draws)}

    def write(self, model: Any, parameters: Parameters) -> None:
        moved = np.isin(np.arange(model.njnt), model.actuator_trnid[:, 0])
        # A spring in an unactuated joint would tie the whole robot to where it started.
        model.jnt_stiffness[moved] += parameters["stiffness"]


@dataclass
class ActuatorGain(PhysicsChange):
    """The strength of actuators: gain and bias together, so that a servo keeps its target.

    Args:
        factors: What the defaults are multiplied by.
        actuators: Names of the actuators; every actuator if None.
    """

    touches: ClassVar[tuple[str, ...]] = ("actuator_gainprm", "actuator_biasprm")

    factors: Values
    actuators: Sequence[str] | None = None

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        super().bind(env)
        self._which = named_indices(env, "actuator", self.actuators)

    def draw(self, index: int, draws: Draws) -> Parameters:
        return {"gain": self.factors.value(index, draws)}

    def write(self, model: Any, parameters: Parameters) -> None:
        model.actuator_gainprm[self._which] *= parameters["gain"]
        model.actuator_biasprm[self._which] *= parameters["gain"]


@dataclass
class DamagedActuators(PhysicsChange):
    """Some actuators, drawn anew for each task, do nothing.

    Args:
        counts: How many fail; ``Listed([0.0, 1.0])`` is none and one in turn, so that what failed returns.
    """

    touches: ClassVar[tuple[str, ...]] = ("actuator_gainprm", "actuator_biasprm")

    counts: Values

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        super().bind(env)
        self._actuators = len(named_indices(env, "actuator", None))

    def draw(self, index: int, draws: Draws) -> Parameters:
        count = round(self.counts.value(index, draws.of(1)))
        if not 0 <= count <= self._actuators:
            raise ValueError(f"counts must be in [0, {self._actuators}], the number of actuators, got {count}")
        return {"damaged": sorted(draws[index].choice(self._actuators, count, replace=False).tolist())}

    def write(self, model: Any, parameters: Parameters) -> None:
        model.actuator_gainprm[parameters["damaged"]] = 0
        model.actuator_biasprm[parameters["damaged"]] = 0


@dataclass
class Push(Change):
    """A steady horizontal force on one body: wind, without the air that MuJoCo's own wind needs.

    Args:
        forces: Newtons.
        headings: Degrees from +x, counter-clockwise seen from above; +x if None.
        body: The body that is pushed; 1 is the first one, usually the torso.
    """

    touches: ClassVar[tuple[str, ...]] = ("data.xfrc_applied",)

    forces: Values
    headings: Values | None = None
    body: int = 1

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        if not hasattr(env.unwrapped, "data"):
            raise ValueError(f"Push needs a MuJoCo environment, got {env.unwrapped}")
        self._force = np.zeros(3)

    def draw(self, index: int, draws: Draws) -> Parameters:
        return {
            "push": self.forces.value(index, draws.of(0)),
            "push_heading": self.headings.value(index, draws.of(1)) if self.headings else 0.0,
        }

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        heading = np.radians(parameters["push_heading"])
        self._force = parameters["push"] * np.array([np.cos(heading), np.sin(heading), 0.0])

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self._force = np.zeros(3)
        self.before_step(env)

    def before_step(self, env: gymnasium.Env[Any, Any]) -> None:
        # A reset of the simulation clears the forces that were applied.
        env.unwrapped.data.xfrc_applied[self.body, :3] = self._force  # pyright: ignore[reportAttributeAccessIssue]


@dataclass
class ModelField(PhysicsChange):
    """Any numeric field of the model by name, such as ``"dof_armature"`` or ``"opt.density"``.

    Args:
        name: The field; ``opt.timestep`` is refused, since the length of an environment step is no change of physics.
        factors: What every default is multiplied by; refused where all defaults are 0.
        added: Or what is added to every default.
    """

    recomputes: ClassVar[bool] = True

    name: str
    factors: Values | None = None
    added: Values | None = None

    def __post_init__(self) -> None:
        self.touches = (self.name,)  # pyright: ignore[reportAttributeAccessIssue]
        if self.name == "opt.timestep":
            raise ValueError("opt.timestep is no parameter of the physics: it sets how long an environment step lasts")
        if (self.factors is None) == (self.added is None):
            raise ValueError("ModelField needs either factors or added")

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        super().bind(env)
        if self.added is None and not np.any(self._defaults[self.name]):
            raise ValueError(f"every default of {self.name} is 0, which no factor changes: give `added`")

    def draw(self, index: int, draws: Draws) -> Parameters:
        values = self.added or self.factors
        assert values is not None
        return {self.name: values.value(index, draws)}

    def write(self, model: Any, parameters: Parameters) -> None:
        number, default = parameters[self.name], self._defaults[self.name]
        write_field(model, self.name, default * number if self.added is None else default + number)
