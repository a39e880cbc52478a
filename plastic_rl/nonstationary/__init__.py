"""Gymnasium environments that change while the agent lives: what changes × when.

Importing this package registers the ids ``plastic_rl/...``; from a fresh process,
``gymnasium.make("plastic_rl.nonstationary:plastic_rl/SlipperyAnt-v0")`` imports it itself.
"""

from plastic_rl.nonstationary.changes import Change
from plastic_rl.nonstationary.physics import Friction
from plastic_rl.nonstationary.registration import register_environments
from plastic_rl.nonstationary.schedules import Clock, Every, Never, Schedule
from plastic_rl.nonstationary.senses import PermuteObservations
from plastic_rl.nonstationary.values import Constant, Listed, LogUniform, Uniform, Values
from plastic_rl.nonstationary.wrapper import Nonstationary

__all__ = [
    "Change",
    "Clock",
    "Constant",
    "Every",
    "Friction",
    "Listed",
    "LogUniform",
    "Never",
    "Nonstationary",
    "PermuteObservations",
    "Schedule",
    "Uniform",
    "Values",
]

register_environments()
