"""MinAtar games one after another: the chain of C-CHAIN (Tang et al. 2025). Needs `pip install minatar`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from envs.recipe import Environment
from launch.quantities import Count

if TYPE_CHECKING:
    import gymnasium


@dataclass
class MinAtarChain(Environment):
    """MinAtar's Space Invaders, Asterix and Seaquest take turns of 10 million steps each."""

    total_steps: ClassVar[int] = 30_000_000  # each game once
    agent_settings: ClassVar[Mapping[str, object]] = {
        "learning_rate": 1e-3,
        "rollout_steps": 1024,
        "hidden_units": 64,
        "maturity_threshold": 500,
    }

    change_every: Count = 10_000_000  # environment steps; takes effect at the next reset

    def build(self, *, seed: int) -> gymnasium.Env:
        import gymnasium

        from plastic_rl.errors import UserError

        try:
            return gymnasium.make(
                "plastic_rl.nonstationary:plastic_rl/MinAtarChain-v0",
                change_every=self.change_every,
                copies=self.n_envs,
            )
        except gymnasium.error.DependencyNotInstalled as error:
            raise UserError("env=minatar-chain needs a package that is not installed: pip install 'minatar'") from error
