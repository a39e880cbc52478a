"""Acrobot with an offset on its senses: after TRAC (Muppidi et al. 2024) and C-CHAIN (Tang et al. 2025).

The values are ours; `protocol=aligned` has those of C-CHAIN (`launch/aligned.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from envs.recipe import SMALL_PROBLEM, World
from plastic_rl.choices import Actions
from plastic_rl.protocols import NOISY_ACROBOT
from plastic_rl.settings import Count, Positive


@dataclass
class NoisyAcrobot(World):
    """Acrobot; an offset, redrawn N(0, 2²) every 100,000 steps, is added to what is seen."""

    total_steps: ClassVar[int] = 1_000_000  # ten offsets
    actions: ClassVar[Actions] = Actions.discrete
    agent_settings = SMALL_PROBLEM

    change_every: Count = NOISY_ACROBOT.change_every  # environment steps; takes effect at the next reset
    deviation: Positive = NOISY_ACROBOT.deviation  # of the offsets
    first_clean: bool = NOISY_ACROBOT.first_clean  # no offset in the first task
