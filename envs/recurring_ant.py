"""Ant on three grounds that return, for what is remembered; the protocol is ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from envs.recipe import World
from plastic_rl.choices import Actions
from plastic_rl.protocols import RECURRING_ANT
from plastic_rl.settings import Count


@dataclass
class RecurringAnt(World):
    """MuJoCo's Ant; three frictions, 0.05, 0.3 and 2, take turns of a million steps each."""

    total_steps: ClassVar[int] = 18_000_000  # six cycles
    actions: ClassVar[Actions] = Actions.continuous

    change_every: Count = RECURRING_ANT.change_every  # environment steps; takes effect at the next reset
