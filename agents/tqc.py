"""Truncated quantile critics (Kuznetsov et al., ICML 2020), in sb3-contrib."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from agents.acting import NO_ROOM
from agents.sac import SAC
from plastic_rl.settings import Count, NonNegativeInteger

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv


@dataclass
class TQC(SAC):
    """SAC with quantiles of the return, whose highest the target leaves out (Kuznetsov et al. 2020)."""

    cannot_have: ClassVar[Mapping[str, str]] = {**SAC.cannot_have, **NO_ROOM}
    label: ClassVar[str] = "TQC"

    # sb3-contrib's; the paper has five critics of 512 units, and drops 0 to 5 by the task.
    critics: Count = 2
    quantiles: Count = 25  # of each critic, as in the paper
    dropped_quantiles: NonNegativeInteger = 2  # of each critic, as in the paper on Ant, Walker2d and Humanoid

    def _stable_baselines(self) -> type[BaseAlgorithm]:
        from sb3_contrib import TQC as ContribTQC

        return ContribTQC

    def _own_settings(self, env: VecEnv) -> dict[str, Any]:
        return {**super()._own_settings(env), "top_quantiles_to_drop_per_net": self.dropped_quantiles}

    def _policy(self) -> dict[str, Any]:
        return {**super()._policy(), "n_critics": self.critics, "n_quantiles": self.quantiles}
