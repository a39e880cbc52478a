"""Gymnasium environments that change while the agent lives: what changes × when.

Importing this package registers the ids ``plastic_rl/...``; from a fresh process,
``gymnasium.make("plastic_rl.nonstationary:plastic_rl/SlipperyAnt-v0")`` imports it itself.
"""

from plastic_rl.nonstationary.actions import ActionGain, DeadZone, FlipActions, PermuteActions, VectorAction
from plastic_rl.nonstationary.attribute_changes import (
    AcrobotPhysics,
    AttributeChange,
    CartPolePhysics,
    LunarLanderPhysics,
    MountainCarPhysics,
    PendulumPhysics,
)
from plastic_rl.nonstationary.catch import Catch
from plastic_rl.nonstationary.chain import Chain
from plastic_rl.nonstationary.changes import Change, NumberChange, Parameters, ShareChange
from plastic_rl.nonstationary.changing_world import ChangingWorld, changing_layer
from plastic_rl.nonstationary.clock import Clock, RunClock
from plastic_rl.nonstationary.delays import Delay, DelayActions, DelayObservations
from plastic_rl.nonstationary.draws import Draws
from plastic_rl.nonstationary.drifts import LinearDrift, OrnsteinUhlenbeck, Sinusoid, random_walk
from plastic_rl.nonstationary.evaluation_worlds import Following, follow_task, stay_in_task
from plastic_rl.nonstationary.filming import film, write_film
from plastic_rl.nonstationary.images import ImageObservation, Occlude, PermutePixels, Recolour
from plastic_rl.nonstationary.minatar_game import MinAtarGame
from plastic_rl.nonstationary.mujoco_bodies import BodyMass, Friction, Gravity, Push
from plastic_rl.nonstationary.mujoco_joints import ActuatorGain, DamagedActuators, JointDamping, JointStiffness
from plastic_rl.nonstationary.mujoco_model import ModelField, PhysicsChange
from plastic_rl.nonstationary.noise import ActionNoise, NoisyChange, ObservationNoise, RewardNoise
from plastic_rl.nonstationary.observations import (
    FlipObservations,
    MaskObservations,
    OffsetObservations,
    PermuteObservations,
    ScaleObservations,
    VectorObservation,
)
from plastic_rl.nonstationary.registration import register_environments
from plastic_rl.nonstationary.replayed import Replayed
from plastic_rl.nonstationary.rewards import GoalChange, GoalDirection, ScaleReward, ShiftReward, TargetSpeed
from plastic_rl.nonstationary.schedule_patterns import Bursts, Cycle, PoissonSchedule
from plastic_rl.nonstationary.schedules import Always, At, Every, EveryEpisodes, Never, Schedule
from plastic_rl.nonstationary.show_task import ShowTask, tell_task
from plastic_rl.nonstationary.task_files import read_tasks, save_tasks, write_tasks
from plastic_rl.nonstationary.threaded import ThreadedMujoco
from plastic_rl.nonstationary.values import (
    Constant,
    Listed,
    LogUniformValues,
    NormalValues,
    UniformValues,
    Values,
    ValuesLike,
)
from plastic_rl.nonstationary.verification import NotVerified, Verification, verify
from plastic_rl.nonstationary.warp_worlds import WarpWorlds
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
    "AttributeChange",
    "BodyMass",
    "Bursts",
    "CartPolePhysics",
    "Catch",
    "Chain",
    "Change",
    "ChangingWorld",
    "Clock",
    "Constant",
    "Cycle",
    "DamagedActuators",
    "DeadZone",
    "Delay",
    "DelayActions",
    "DelayObservations",
    "Draws",
    "Every",
    "EveryEpisodes",
    "FlipActions",
    "FlipObservations",
    "Following",
    "Friction",
    "GoalChange",
    "GoalDirection",
    "Gravity",
    "ImageObservation",
    "JointDamping",
    "JointStiffness",
    "LinearDrift",
    "Listed",
    "LogUniformValues",
    "LunarLanderPhysics",
    "MaskObservations",
    "MinAtarGame",
    "ModelField",
    "MountainCarPhysics",
    "Never",
    "NoisyChange",
    "Nonstationary",
    "NormalValues",
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
    "PhysicsChange",
    "PoissonSchedule",
    "Push",
    "Recolour",
    "Replayed",
    "RewardNoise",
    "RunClock",
    "ScaleObservations",
    "ScaleReward",
    "Schedule",
    "ShareChange",
    "ShiftReward",
    "ShowTask",
    "Sinusoid",
    "TargetSpeed",
    "ThreadedMujoco",
    "UniformValues",
    "Values",
    "ValuesLike",
    "VectorAction",
    "VectorObservation",
    "Verification",
    "WarpWorlds",
    "changing_layer",
    "film",
    "follow_task",
    "random_walk",
    "read_tasks",
    "register_environments",
    "save_tasks",
    "stay_in_task",
    "tell_task",
    "verify",
    "write_film",
    "write_tasks",
]

register_environments()
