"""Gymnasium environments that change while the agent lives: what changes × when.

Importing this package registers the ids ``plastic_rl/...``; from a fresh process,
``gymnasium.make("plastic_rl.nonstationary:plastic_rl/SlipperyAnt-v0")`` imports it itself.
"""

from plastic_rl.nonstationary.actions import ActionGain, DeadZone, FlipActions, PermuteActions
from plastic_rl.nonstationary.attribute_changes import (
    AcrobotPhysics,
    CartPolePhysics,
    LunarLanderPhysics,
    MountainCarPhysics,
    PendulumPhysics,
)
from plastic_rl.nonstationary.chain import Chain
from plastic_rl.nonstationary.changes import Change, NumberChange, Parameters
from plastic_rl.nonstationary.clock import Clock
from plastic_rl.nonstationary.context import ShowTask
from plastic_rl.nonstationary.delays import DelayActions, DelayObservations
from plastic_rl.nonstationary.draws import Draws
from plastic_rl.nonstationary.drifts import Linear, OrnsteinUhlenbeck, Sinusoid, random_walk
from plastic_rl.nonstationary.evaluation_worlds import follow_task, stay_in_task
from plastic_rl.nonstationary.filming import film, write_film
from plastic_rl.nonstationary.images import Occlude, PermutePixels, Recolour
from plastic_rl.nonstationary.mujoco_bodies import BodyMass, Friction, Gravity, Push
from plastic_rl.nonstationary.mujoco_joints import ActuatorGain, DamagedActuators, JointDamping, JointStiffness
from plastic_rl.nonstationary.mujoco_model import ModelField
from plastic_rl.nonstationary.noise import ActionNoise, ObservationNoise, RewardNoise
from plastic_rl.nonstationary.observations import (
    FlipObservations,
    MaskObservations,
    OffsetObservations,
    PermuteObservations,
    ScaleObservations,
)
from plastic_rl.nonstationary.patterns import Bursts, Cycle, Poisson
from plastic_rl.nonstationary.registration import register_environments
from plastic_rl.nonstationary.replayed import Replayed
from plastic_rl.nonstationary.rewards import GoalDirection, ScaleReward, ShiftReward, TargetSpeed
from plastic_rl.nonstationary.schedules import Always, At, Every, EveryEpisodes, Never, Schedule
from plastic_rl.nonstationary.task_files import read_tasks, write_tasks
from plastic_rl.nonstationary.values import Constant, Listed, LogUniform, Normal, Uniform, Values
from plastic_rl.nonstationary.verification import NotVerified, Verification, verify
from plastic_rl.nonstationary.wrapper import Nonstationary
from plastic_rl.protocols import WORLDS

__all__ = [
    "WORLDS",
    "AcrobotPhysics",
    "ActionGain",
    "ActionNoise",
    "ActuatorGain",
    "Always",
    "At",
    "BodyMass",
    "Bursts",
    "CartPolePhysics",
    "Chain",
    "Change",
    "Clock",
    "Constant",
    "Cycle",
    "DamagedActuators",
    "DeadZone",
    "DelayActions",
    "DelayObservations",
    "Draws",
    "Every",
    "EveryEpisodes",
    "FlipActions",
    "FlipObservations",
    "Friction",
    "GoalDirection",
    "Gravity",
    "JointDamping",
    "JointStiffness",
    "Linear",
    "Listed",
    "LogUniform",
    "LunarLanderPhysics",
    "MaskObservations",
    "ModelField",
    "MountainCarPhysics",
    "Never",
    "Nonstationary",
    "Normal",
    "NotVerified",
    "NumberChange",
    "ObservationNoise",
    "Occlude",
    "OffsetObservations",
    "OrnsteinUhlenbeck",
    "Parameters",
    "PendulumPhysics",
    "PermuteActions",
    "PermuteObservations",
    "PermutePixels",
    "Poisson",
    "Push",
    "Recolour",
    "Replayed",
    "RewardNoise",
    "ScaleObservations",
    "ScaleReward",
    "Schedule",
    "ShiftReward",
    "ShowTask",
    "Sinusoid",
    "TargetSpeed",
    "Uniform",
    "Values",
    "Verification",
    "film",
    "follow_task",
    "random_walk",
    "read_tasks",
    "register_environments",
    "stay_in_task",
    "verify",
    "write_film",
    "write_tasks",
]

register_environments()
