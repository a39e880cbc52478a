"""Changes of the physics of classic control and LunarLander."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from envs.changes.drawn import Numbers
from envs.changes.settings import ChangeSettings


@dataclass
class CartPolePhysics(ChangeSettings):
    """The pole, the cart and the motor of CartPole; null keeps its own value."""

    change: ClassVar[str] = "CartPolePhysics"
    of: ClassVar[str] = "CartPole"

    length: Numbers = "log_uniform(0.25,2)"  # half the pole's, metres; its own is 0.5, the range is ours
    pole_mass: Numbers = "log_uniform(0.05,0.4)"  # mass of the pole, kg; its own is 0.1, the range is ours
    cart_mass: Numbers = None  # mass of the cart, kg; its own is 1
    gravity: Numbers = None  # gravity, m/s²; its own is 9.8
    force: Numbers = None  # strength of the motor, newtons; its own is 10


@dataclass
class PendulumPhysics(ChangeSettings):
    """The gravity, mass and length of Pendulum; null keeps its own value."""

    change: ClassVar[str] = "PendulumPhysics"
    of: ClassVar[str] = "Pendulum"

    gravity: Numbers = "uniform(5,15)"  # gravity, m/s²; its own is 10, the range is ours
    mass: Numbers = None  # mass, kg; its own is 1
    length: Numbers = None  # length of the rod, metres; its own is 1


@dataclass
class AcrobotPhysics(ChangeSettings):
    """The two links of Acrobot; null keeps its own value."""

    change: ClassVar[str] = "AcrobotPhysics"
    of: ClassVar[str] = "Acrobot"

    first_length: Numbers = "uniform(0.5,2)"  # length of the first link, metres; its own is 1, the range is ours
    second_length: Numbers = None  # length of the second link, metres; its own is 1
    first_mass: Numbers = None  # mass of the first link, kg; its own is 1
    second_mass: Numbers = None  # mass of the second link, kg; its own is 1


@dataclass
class MountainCarPhysics(ChangeSettings):
    """The gravity and the engine of MountainCar, in its own units; null keeps its own value."""

    change: ClassVar[str] = "MountainCarPhysics"
    of: ClassVar[str] = "MountainCar"

    gravity: Numbers = "uniform(0.002,0.003)"  # gravity, in the game's unit; its own is 0.0025, the range is ours
    force: Numbers = None  # strength of the engine, in the game's unit; its own is 0.001


@dataclass
class LunarLanderPhysics(ChangeSettings):
    """The gravity, wind and turbulence of LunarLander; null keeps its own value."""

    change: ClassVar[str] = "LunarLanderPhysics"
    of: ClassVar[str] = "LunarLander"

    gravity: Numbers = "uniform(-11.9,-5)"  # gravity, m/s², between -12 and 0; its own is -10, the range is ours
    wind_power: Numbers = None  # strength of the wind, with env.arguments={enable_wind:true}; its own is 15
    turbulence_power: Numbers = (
        None  # strength of the turbulence, with env.arguments={enable_wind:true}; its own is 1.5
    )
