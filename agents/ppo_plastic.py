"""PPO with what came nearest to a fresh agent at each change, of all that was tried (docs/plasticity_in_rl.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from agents.ppo import PPO
from plastic_rl.settings import OneOf

if TYPE_CHECKING:
    from plastic_rl.optim import Plasticity


@dataclass
class PPOPlastic(PPO):
    """PPO that finds changes by itself; its weights then become isometries, optimiser and exploration start over."""

    cannot_have: ClassVar[Mapping[str, str]] = {
        **PPO.cannot_have,
        **dict.fromkeys(("fire", "optimizer_reset", "reset_spread"), "as it has it already"),
    }

    changes_from: Annotated[str, OneOf(("announced", "detected"))] = "detected"

    def plasticity(self) -> Plasticity:
        """Return the methods that `plasticity="recommended"` stands for in one's own code."""
        from plastic_rl.optim import Stack
        from plastic_rl.sb3.recommended import METHODS

        return Stack(METHODS)
