"""Soft actor-critic (Haarnoja et al. 2018, "Algorithms and Applications"), with the entropy coefficient learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from agents.replay import ReplayAgent
from plastic_rl.choices import Actions
from plastic_rl.settings import Rate

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv


@dataclass
class SAC(ReplayAgent):
    """Soft actor-critic: off-policy, two critics, as much entropy as actions have dimensions (Haarnoja et al. 2018)."""

    label: ClassVar[str] = "SAC"
    actions: ClassVar[frozenset[Actions]] = frozenset({Actions.continuous})

    # The values of the paper's Table 1; `learning_starts` is rl-zoo's for MuJoCo.
    tau: Rate = 0.005  # share of the way that the target critics go to the critics, an update

    def _stable_baselines(self) -> type[BaseAlgorithm]:
        from stable_baselines3 import SAC as StableBaselinesSAC

        return StableBaselinesSAC

    def _own_settings(self, env: VecEnv) -> dict[str, Any]:
        return {"tau": self.tau}
