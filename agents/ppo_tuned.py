"""PPO with the betas that Dohare et al. (2024) found to be right for it."""

from __future__ import annotations

from dataclasses import dataclass

from agents.ppo import PPO
from plastic_rl.settings import Decay


@dataclass
class PPOTuned(PPO):
    """PPO with equal betas in Adam, which puts off the collapse (Dohare et al. 2024, "tuned PPO")."""

    beta1: Decay = 0.99
    beta2: Decay = 0.99
