"""Catch in pixels whose picture is cut up and put together anew; the protocol is ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from envs.recipe import SMALL_PROBLEM, World
from plastic_rl.choices import Actions
from plastic_rl.protocols import PIXEL_PERMUTED_CATCH
from plastic_rl.settings import Count


@dataclass
class PixelPermutedCatch(World):
    """Catch, a small game in pixels; squares of its picture are permuted every 50,000 steps."""

    total_steps: ClassVar[int] = 500_000  # ten permutations
    actions: ClassVar[Actions] = Actions.discrete
    agent_settings = SMALL_PROBLEM

    change_every: Count = PIXEL_PERMUTED_CATCH.change_every  # environment steps; takes effect at the next reset
    patch: Count = PIXEL_PERMUTED_CATCH.patch  # pixels a side of a square; it must divide 40
