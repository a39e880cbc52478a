"""MountainCar with an offset on its senses, with the world's values of C-CHAIN's aligned control (Tang et al. 2025).

`protocol=aligned` has their learner's too (`launch/aligned.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from envs.recipe import SMALL_PROBLEM, World
from plastic_rl.choices import Actions
from plastic_rl.protocols import NOISY_MOUNTAINCAR
from plastic_rl.settings import Count, Positive


@dataclass
class NoisyMountainCar(World):
    """MountainCar; an offset, redrawn N(0, 0.02²) every 320,000 steps, is added to what is seen."""

    total_steps: ClassVar[int] = 1_600_000  # five offsets
    actions: ClassVar[Actions] = Actions.discrete
    agent_settings = SMALL_PROBLEM

    change_every: Count = NOISY_MOUNTAINCAR.change_every  # environment steps; takes effect at the next reset
    deviation: Positive = NOISY_MOUNTAINCAR.deviation  # of the offsets
    first_clean: bool = NOISY_MOUNTAINCAR.first_clean  # no offset in the first task
