"""PPO with continual backpropagation (Dohare et al., Nature 632, 2024, Algorithm 1 and "PPO + CBP")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from agents.methods import ContinualBackpropInPPO
from agents.ppo_tuned import PPOTuned
from plastic_rl.settings import NonNegative


@dataclass
class PPOCBP(ContinualBackpropInPPO, PPOTuned):
    """PPO whose least useful mature units are replaced, a few at a time (Dohare et al. 2024, Fig. 4)."""

    added_later: ClassVar[Mapping[str, object]] = {"mode": "exact"}

    weight_decay: NonNegative = 1e-4  # "slight": without it the method is highly sensitive to its settings
