"""PPO with additive parameter decomposition and continual backpropagation: memory and plasticity together."""

from __future__ import annotations

from dataclasses import dataclass

from agents.ppo_apd import PPOAPD
from agents.ppo_cbp import PPOCBP
from plastic_rl.settings import NonNegative


@dataclass
class PPOAPDCBP(PPOAPD, PPOCBP):
    """PPO that remembers each task's policy, and whose least useful shared units are replaced (both papers)."""

    weight_decay: NonNegative = 0.0  # through Adam it would move weights that have no gradient away from the shared
