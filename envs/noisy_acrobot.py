"""Acrobot with an offset on its senses: the protocol of TRAC (Muppidi et al. 2024) and C-CHAIN (Tang et al.)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from envs.recipe import SMALL_PROBLEM, World
from plastic_rl.protocols import NOISY_ACROBOT
from plastic_rl.settings import Count, Positive


@dataclass
class NoisyAcrobot(World):
    """Acrobot; an offset, redrawn N(0, 2) every 100,000 steps, is added to what is seen."""

    total_steps: ClassVar[int] = 1_000_000  # ten offsets
    agent_settings = SMALL_PROBLEM

    change_every: Count = NOISY_ACROBOT.change_every  # environment steps; takes effect at the next reset
    deviation: Positive = NOISY_ACROBOT.deviation  # of the offsets
