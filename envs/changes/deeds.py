"""Changes of what becomes of an agent's actions, and of what it is paid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from envs.changes.drawn import Numbers
from envs.changes.settings import ChangeSettings


@dataclass
class PermuteActions(ChangeSettings):
    """The order of the options, or of the entries of the action."""

    change: ClassVar[str] = "PermuteActions"

    signs: bool = False  # half of the entries of a vector, on average, change sign, too


@dataclass
class FlipActions(ChangeSettings):
    """Entries of the action that have the other sign, which ones is drawn anew."""

    change: ClassVar[str] = "FlipActions"

    values: Numbers = 0.5  # share of the entries; ours


@dataclass
class ActionGain(ChangeSettings):
    """A factor of the whole action, clipped to what the environment takes."""

    change: ClassVar[str] = "ActionGain"

    values: Numbers = "uniform(0.5,1.5)"  # factor; ours


@dataclass
class DeadZone(ChangeSettings):
    """The width around zero in which an entry of the action does nothing."""

    change: ClassVar[str] = "DeadZone"

    values: Numbers = "uniform(0,0.3)"  # in the action's unit; ours


@dataclass
class ActionNoise(ChangeSettings):
    """Noise on the action at every step, of another strength in each task."""

    change: ClassVar[str] = "ActionNoise"

    values: Numbers = "uniform(0,0.3)"  # standard deviation of an entry's noise, in its unit; ours


@dataclass
class DelayActions(ChangeSettings):
    """The number of steps by which the action is late."""

    change: ClassVar[str] = "DelayActions"

    values: Numbers = "uniform(0,3)"  # environment steps, rounded; ours


@dataclass
class ScaleReward(ChangeSettings):
    """A factor of the reward."""

    change: ClassVar[str] = "ScaleReward"

    values: Numbers = "uniform(0.5,2)"  # factor; listed(1,-1) turns the sign around and back; ours


@dataclass
class ShiftReward(ChangeSettings):
    """A constant on the reward of every step."""

    change: ClassVar[str] = "ShiftReward"

    values: Numbers = "uniform(-1,1)"  # in the reward's unit; ours


@dataclass
class RewardNoise(ChangeSettings):
    """Noise on the reward at every step, of another strength in each task."""

    change: ClassVar[str] = "RewardNoise"

    values: Numbers = "uniform(0,1)"  # standard deviation, in the reward's unit; ours


@dataclass
class GoalDirection(ChangeSettings):
    """The direction that is paid for, in Gymnasium's MuJoCo robots that walk."""

    change: ClassVar[str] = "GoalDirection"

    values: Numbers = "listed(0,180)"  # degrees from +x, counter-clockwise (HalfCheetah-Dir)


@dataclass
class TargetSpeed(ChangeSettings):
    """The speed along +x that is paid for, in Gymnasium's MuJoCo robots that walk (Finn et al. 2017)."""

    change: ClassVar[str] = "TargetSpeed"

    values: Numbers = "uniform(0,3)"  # m/s (HalfCheetah-Vel, Finn et al. 2017)
