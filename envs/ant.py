"""Ant, unchanging (Dohare et al., Nature 632, 2024, Fig. 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from envs.recipe import Environment

if TYPE_CHECKING:
    import gymnasium


@dataclass
class Ant(Environment):
    """MuJoCo's Ant, which never changes: plain PPO unlearns it all the same (Dohare et al. 2024, Fig. 4)."""

    total_steps: ClassVar[int] = 50_000_000

    def build(self, *, seed: int) -> gymnasium.Env:
        import gymnasium

        # The paper's Ant-v3 saw no contact forces and paid nothing for them: v5 comes closest with 27 observations.
        return gymnasium.make("Ant-v5", include_cfrc_ext_in_observation=False, contact_cost_weight=0.0)
