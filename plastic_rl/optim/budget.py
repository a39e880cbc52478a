"""How many units of a layer fall due at a step: known on the host, from counts that no device is asked for.

Only the replacement rate, the maturity threshold, the width of the layer and past counts enter; which units are
replaced does not. So a step in which nothing falls due never waits for an accelerator.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Rounding(StrEnum):
    """What becomes of a fraction of a unit."""

    accumulate = "accumulate"  # carried over: the long-run number is right for any rate (Algorithm 1)
    bernoulli = "bernoulli"  # one unit with that probability, as in the authors' PPO; above 1 the fraction is dropped


@dataclass
class Budget:
    """The running account of one layer.

    Args:
        units: the layer's width.
        rate: expected replacements per mature unit and step.
        maturity: a unit may be replaced once its age is strictly greater than this number of updates.
        rounding: what becomes of a fraction of a unit.
    """

    units: int
    rate: float
    maturity: int
    rounding: Rounding = Rounding.accumulate
    owed: float = 0.0
    replaced: int = 0
    recent: list[list[int]] = field(default_factory=list)  # [step, count] of the replacements that are still immature

    def mature(self, step: int) -> int:
        """How many units are older than the maturity threshold after update number ``step`` (the first is 1)."""
        while self.recent and step - self.recent[0][0] > self.maturity:
            self.recent.pop(0)
        return 0 if step <= self.maturity else self.units - sum(count for _, count in self.recent)

    def due(self, step: int, chance: float) -> int:
        """How many units fall due after update number ``step``; they count as replaced.

        Args:
            step: the number of updates so far, this one included.
            chance: a uniform draw from [0, 1), used by Bernoulli rounding only.
        """
        expected = self.mature(step) * self.rate
        if self.rounding is Rounding.bernoulli:
            count = int(expected) if expected >= 1 else int(chance < expected)
        else:
            self.owed += expected
            count = int(self.owed)
            self.owed -= count
        if count:
            self.recent.append([step, count])
            self.replaced += count
        return count

    def state(self) -> dict[str, Any]:
        """What has to be saved to go on exactly."""
        return {"owed": self.owed, "replaced": self.replaced, "recent": [list(pair) for pair in self.recent]}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state."""
        self.owed, self.replaced = float(state["owed"]), int(state["replaced"])
        self.recent = [list(pair) for pair in state["recent"]]
