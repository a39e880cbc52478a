"""The settings that agents with additive parameter decomposition share, on streams and in environments."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any

from agents.recipe import Agent
from plastic_rl.choices import Centre, Form
from plastic_rl.settings import Count, NonNegative, NonNegativeOrInfinite, OneOf, Range


@dataclass
class Decomposed(Agent):
    """The settings of additive parameter decomposition (Yoon et al., ICLR 2020); the values are ours."""

    sparsity: NonNegative = 0.2  # λ': a task leaves the shared weights where Adam's direction is larger than this
    drift: NonNegativeOrInfinite = 1.0  # the price at which old tasks let shared weights move; inf freezes them
    form: Annotated[str, OneOf(tuple(Form))] = "hierarchical"  # APD(2), APD(1), APD-Fixed
    tolerance: NonNegative = 0.0  # by how much a weight of an old task may move in all its life
    initial_mask: Annotated[float, Range(0, 1, low_included=False)] = 0.5  # of a new task; 1 switches masks off
    groups: Count = 2  # K: groups that each consolidation adds
    every: Count = 5  # s: tasks from one consolidation to the next
    spread: NonNegative = 0.0  # β: within it members of a group share a weight; 0 merges without loss
    centre: Annotated[str, OneOf(tuple(Centre))] = "midrange"  # of a group; with a spread of 0 both are the same

    def decomposition(self) -> dict[str, Any]:
        """Return the settings as `plastic_rl.nn.AdditiveDecomposition` takes them."""
        return {setting.name: getattr(self, setting.name) for setting in fields(Decomposed)}
