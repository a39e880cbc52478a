"""Ant, unchanging (Dohare et al., Nature 632, 2024, Fig. 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from envs.recipe import Environment
from plastic_rl.choices import Actions
from plastic_rl.protocols import ANT_SETTINGS

if TYPE_CHECKING:
    import gymnasium


@dataclass
class Ant(Environment):
    """MuJoCo's Ant, which never changes: plain PPO unlearns it all the same (Dohare et al. 2024, Fig. 4)."""

    total_steps: ClassVar[int] = 50_000_000
    actions: ClassVar[Actions] = Actions.continuous

    def build(self, *, seed: int, render_mode: str | None = None) -> gymnasium.Env:
        import gymnasium

        return gymnasium.make("Ant-v5", render_mode=render_mode, **ANT_SETTINGS)
