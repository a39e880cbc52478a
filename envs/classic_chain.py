"""Classic control problems one after another, padded to one size; the protocol is ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from envs.recipe import SMALL_PROBLEM, World
from plastic_rl.choices import Actions
from plastic_rl.protocols import CLASSIC_CHAIN
from plastic_rl.settings import Count


@dataclass
class ClassicChain(World):
    """CartPole, Acrobot and MountainCar take turns of 100,000 steps each, padded to one size."""

    total_steps: ClassVar[int] = 900_000  # three cycles
    actions: ClassVar[Actions] = Actions.discrete
    agent_settings = SMALL_PROBLEM
    is_drawn: ClassVar[bool] = False

    change_every: Count = CLASSIC_CHAIN.change_every  # environment steps; takes effect at the next reset
