"""Ant whose senses are scrambled anew at the pace of Slippery Ant; the protocol is ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from envs.recipe import World
from plastic_rl.choices import Actions
from plastic_rl.protocols import PERMUTED_ANT
from plastic_rl.settings import Count


@dataclass
class PermutedAnt(World):
    """MuJoCo's Ant; its 27 observations are permuted, with random signs, every 2 million steps."""

    total_steps: ClassVar[int] = 20_000_000  # ten permutations
    actions: ClassVar[Actions] = Actions.continuous

    change_every: Count = PERMUTED_ANT.change_every  # environment steps; takes effect at the next reset
