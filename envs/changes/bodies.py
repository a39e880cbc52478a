"""Changes of MuJoCo's physics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from envs.changes.drawn import Numbers
from envs.changes.settings import ChangeSettings
from plastic_rl.protocols import GRAVITY_ANT, HEAVY_ANT, SLIPPERY_ANT
from plastic_rl.settings import NonNegativeInteger


@dataclass
class Friction(ChangeSettings):
    """The sliding friction of every geom (MuJoCo), as in Slippery Ant (Dohare et al. 2024)."""

    change: ClassVar[str] = "Friction"

    # factor of each geom's own friction (Dohare et al. 2024)
    values: Numbers = f"log_uniform({SLIPPERY_ANT.friction_low},{SLIPPERY_ANT.friction_high})"


@dataclass
class Gravity(ChangeSettings):
    """The strength of gravity, and where it points (MuJoCo)."""

    change: ClassVar[str] = "Gravity"

    # factor of the model's own gravity; the range is ours
    values: Numbers = f"log_uniform({GRAVITY_ANT.gravity_low},{GRAVITY_ANT.gravity_high})"
    tilts: Numbers = None  # degrees by which it leans from straight down; null: none
    headings: Numbers = None  # degrees from +x, counter-clockwise, towards which it leans; null: +x


@dataclass
class BodyMass(ChangeSettings):
    """The mass of bodies, and their inertia with it (MuJoCo)."""

    change: ClassVar[str] = "BodyMass"

    values: Numbers = f"log_uniform({HEAVY_ANT.mass_low},{HEAVY_ANT.mass_high})"  # factor; the range is ours
    bodies: list[str] | None = None  # names of the bodies; null: all of them


@dataclass
class JointDamping(ChangeSettings):
    """The damping of joints (MuJoCo)."""

    change: ClassVar[str] = "JointDamping"

    values: Numbers = "log_uniform(0.25,4)"  # factor of each joint's own damping; the range is ours


@dataclass
class JointStiffness(ChangeSettings):
    """Springs in the joints that have actuators (MuJoCo)."""

    change: ClassVar[str] = "JointStiffness"

    values: Numbers = "uniform(0,5)"  # added to each joint's own, newton metres per radian; the range is ours


@dataclass
class ActuatorGain(ChangeSettings):
    """The strength of actuators (MuJoCo)."""

    change: ClassVar[str] = "ActuatorGain"

    values: Numbers = "uniform(0.5,1.5)"  # factor of each actuator's own gain; the range is ours
    actuators: list[str] | None = None  # names of the actuators; null: all of them


@dataclass
class DamagedActuators(ChangeSettings):
    """Actuators that do nothing, which ones is drawn anew (MuJoCo), after the crippled ants of meta-learning."""

    change: ClassVar[str] = "DamagedActuators"

    values: Numbers = "listed(0,1)"  # the number of actuators that fail; none and one in turn, which is ours


@dataclass
class Push(ChangeSettings):
    """A steady horizontal force on one body (MuJoCo)."""

    change: ClassVar[str] = "Push"

    values: Numbers = "uniform(0,5)"  # newtons; the range is ours
    headings: Numbers = "uniform(0,360)"  # degrees from +x, counter-clockwise, towards which it pushes
    body: NonNegativeInteger = 1  # number of the body in the model; 1 is usually the torso


@dataclass
class ModelField(ChangeSettings):
    """Any floating-point field of the model by its name (MuJoCo)."""

    change: ClassVar[str] = "ModelField"

    name: str = "dof_armature"  # the field, such as opt.density
    factors: Numbers = "log_uniform(0.5,2)"  # of every default; null where something is added; ours
    added: Numbers = None  # to every default, in the field's unit; null where there are factors
