"""Quantile regression DQN (Dabney et al., AAAI 2018), in sb3-contrib."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from agents.acting import NO_ROOM
from agents.dqn import DQN
from plastic_rl.settings import Count

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm


@dataclass
class QRDQN(DQN):
    """DQN that learns quantiles of the return of each action, and not its mean alone (Dabney et al. 2018)."""

    cannot_have: ClassVar[Mapping[str, str]] = {**DQN.cannot_have, **NO_ROOM}
    label: ClassVar[str] = "QR-DQN"

    quantiles: Count = 25  # rl-zoo's for Acrobot, as all else here; 200 in the paper, on Atari

    def _stable_baselines(self) -> type[BaseAlgorithm]:
        from sb3_contrib import QRDQN as ContribQRDQN

        return ContribQRDQN

    def _policy(self) -> dict[str, Any]:
        return {**super()._policy(), "n_quantiles": self.quantiles}
