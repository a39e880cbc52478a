"""MinAtar games one after another: the chain of C-CHAIN (Tang et al. 2025). Needs `pip install minatar`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from envs.recipe import SMALL_PROBLEM, World
from plastic_rl.choices import Actions
from plastic_rl.protocols import MINATAR_CHAIN
from plastic_rl.settings import Count


@dataclass
class MinAtarChain(World):
    """MinAtar's Space Invaders, Asterix and Seaquest take turns of 10 million steps each."""

    total_steps: ClassVar[int] = 30_000_000  # each game once
    actions: ClassVar[Actions] = Actions.discrete
    agent_settings = SMALL_PROBLEM
    is_drawn: ClassVar[bool] = False

    change_every: Count = MINATAR_CHAIN.change_every  # environment steps; takes effect at the next reset
