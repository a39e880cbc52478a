"""Changes of a MuJoCo model's joints and of the actuators that move them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import gymnasium
import numpy as np

from plastic_rl.nonstationary.changes import NumberChange, Parameters
from plastic_rl.nonstationary.draws import Draws
from plastic_rl.nonstationary.mujoco_model import PhysicsChange, named_indices


@dataclass
class JointDamping(NumberChange, PhysicsChange):
    """The damping of every joint, multiplied by one factor."""

    touches: ClassVar[tuple[str, ...]] = ("dof_damping",)
    parameter: ClassVar[str] = "damping"

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        super().bind(env)
        self.refuse_zeros("dof_damping")

    def write(self, model: Any, parameters: Parameters) -> None:
        model.dof_damping[:] *= parameters["damping"]


@dataclass
class JointStiffness(NumberChange, PhysicsChange):
    """The springs in hinges and slides: so much is added to each default (in most models 0: factors would do nothing).

    In newton metres per radian, or newtons per metre.
    """

    touches: ClassVar[tuple[str, ...]] = ("jnt_stiffness",)
    parameter: ClassVar[str] = "stiffness"

    def write(self, model: Any, parameters: Parameters) -> None:
        moved = np.isin(np.arange(model.njnt), model.actuator_trnid[:, 0])
        # A spring in an unactuated joint would tie the whole robot to where it started.
        model.jnt_stiffness[moved] += parameters["stiffness"]


@dataclass
class ActuatorGain(NumberChange, PhysicsChange):
    """The strength of actuators, times a factor: gain and bias together, so that a servo keeps its target.

    Args:
        actuators: Names of the actuators; every actuator if None.
    """

    touches: ClassVar[tuple[str, ...]] = ("actuator_gainprm", "actuator_biasprm")
    parameter: ClassVar[str] = "gain"

    actuators: Sequence[str] | None = field(default=None, kw_only=True)

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        super().bind(env)
        self._which = named_indices(env, "actuator", self.actuators)

    def write(self, model: Any, parameters: Parameters) -> None:
        model.actuator_gainprm[self._which] *= parameters["gain"]
        model.actuator_biasprm[self._which] *= parameters["gain"]


@dataclass
class DamagedActuators(NumberChange, PhysicsChange):
    """So many actuators, rounded, and drawn anew for each task, do nothing.

    ``DamagedActuators(Listed([0, 1]))`` is none and one in turn, so that what failed returns.
    """

    touches: ClassVar[tuple[str, ...]] = ("actuator_gainprm", "actuator_biasprm")
    parameter: ClassVar[str] = "damaged"

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        super().bind(env)
        self._actuators = len(named_indices(env, "actuator", None))

    def draw(self, index: int, draws: Draws) -> Parameters:
        count = round(self.number(index, draws.of(1)))
        if not 0 <= count <= self._actuators:
            raise ValueError(f"the number of damaged actuators must be in [0, {self._actuators}], got {count}")
        return {"damaged": sorted(draws[index].choice(self._actuators, count, replace=False).tolist())}

    def write(self, model: Any, parameters: Parameters) -> None:
        model.actuator_gainprm[parameters["damaged"]] = 0
        model.actuator_biasprm[parameters["damaged"]] = 0
