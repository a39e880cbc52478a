"""Ant whose actuators fail and return; the protocol is ours, after the crippled ants of meta-learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from envs.recipe import World
from plastic_rl.choices import Actions
from plastic_rl.protocols import DAMAGED_ANT
from plastic_rl.settings import Count


@dataclass
class DamagedAnt(World):
    """MuJoCo's Ant; every other million steps some of its eight actuators, redrawn, do nothing."""

    total_steps: ClassVar[int] = 20_000_000  # ten times whole, ten times damaged
    actions: ClassVar[Actions] = Actions.continuous

    change_every: Count = DAMAGED_ANT.change_every  # environment steps; takes effect at the next reset
    failures: Count = DAMAGED_ANT.failures  # actuators out of eight
