"""PPO with L2 regularisation, the strongest rival of continual backpropagation in Dohare et al. (2024)."""

from __future__ import annotations

from dataclasses import dataclass

from agents.ppo_tuned import PPOTuned
from plastic_rl.settings import NonNegative


@dataclass
class PPOL2(PPOTuned):
    """Tuned PPO with weight decay, which keeps the weights small (Dohare et al. 2024, "PPO + L2")."""

    weight_decay: NonNegative = 1e-3  # the value that L2 alone needs
