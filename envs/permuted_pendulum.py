"""Pendulum whose senses are scrambled anew: the smallest problem here with continuous actions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from envs.recipe import SMALL_PROBLEM, World
from plastic_rl.choices import Actions
from plastic_rl.protocols import PERMUTED_PENDULUM
from plastic_rl.settings import Count


@dataclass
class PermutedPendulum(World):
    """Pendulum; its three observations are permuted, with random signs, every 100,000 steps."""

    total_steps: ClassVar[int] = 1_000_000  # ten permutations
    actions: ClassVar[Actions] = Actions.continuous
    agent_settings = SMALL_PROBLEM

    change_every: Count = PERMUTED_PENDULUM.change_every  # environment steps; takes effect at the next reset
