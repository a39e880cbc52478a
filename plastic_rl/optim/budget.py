"""The number of units of a layer that fall due at a step: known on the host, from counts that no device is asked for.

Only the replacement rate, the maturity threshold, the width of the layer and past counts enter; which units are
replaced does not. So a step in which nothing falls due never waits for an accelerator, and the host knows one step
ahead whether something will.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from plastic_rl.choices import Rounding


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
    recent: deque[tuple[int, int]] = field(default_factory=deque)  # (step, count) of replacements still immature
    immature: int = 0  # the sum of their counts

    def begin(self, step: int) -> None:
        """All units are born after update number ``step``, instead of before the first."""
        if step:
            self.recent, self.immature = deque([(step, self.units)]), self.units

    def mature(self, step: int) -> int:
        """The number of units older than the maturity threshold after update number ``step`` (the first is 1)."""
        if step <= self.maturity:
            return 0
        mature = self.units - self.immature
        for birth, count in self.recent:
            if step - birth <= self.maturity:
                break
            mature += count
        return mature

    def upcoming(self, step: int, chance: float) -> int:
        """The number of units that fall due after update number ``step``, the next one; none is replaced yet.

        Args:
            step: the number of updates so far and this one.
            chance: a uniform draw from [0, 1), used by Bernoulli rounding only.
        """
        expected = self.mature(step) * self.rate
        if self.rounding is Rounding.accumulate:
            return int(self.owed + expected)
        return int(expected) if expected >= 1 else int(chance < expected)

    def due(self, step: int, chance: float) -> int:
        """The number of units that fall due after update number ``step``; they count as replaced."""
        count = self.upcoming(step, chance)
        self.settle(step, count)
        return count

    def settle(self, step: int, count: int) -> None:
        """Counts ``count`` units, those that were :meth:`upcoming`, as replaced after update number ``step``."""
        if self.rounding is Rounding.accumulate:
            self.owed += self.mature(step) * self.rate
            self.owed -= count
        while self.recent and step - self.recent[0][0] > self.maturity:
            self.immature -= self.recent.popleft()[1]
        if count:
            self.recent.append((step, count))
            self.immature += count
            self.replaced += count

    def resettle(self, births: Sequence[float], step: int) -> None:
        """Goes on with other units.

        Args:
            births: of all units, in updates; 0 for those that were there from the beginning.
            step: the number of updates so far.
        """
        young = Counter(int(birth) for birth in births if birth and step - birth <= self.maturity)
        self.units, self.recent = len(births), deque(sorted(young.items()))
        self.immature = sum(young.values())

    @property
    def first_due(self) -> int | None:
        """After which update the first unit falls due; None for never.

        The first of n units falls due 1 / (ρ n) updates after maturity, rounded up (with Bernoulli rounding: on
        average).
        """
        expected = self.rate * self.units
        # The sum of ρ n over updates reaches one only up to rounding; so does the account.
        return self.maturity + math.ceil(1 / expected - 1e-9) if expected > 0 else None

    @property
    def long_run(self) -> float:
        """The number of units replaced an update in the long run.

        It is r per update of the n - r m units that are mature, hence r = ρ n / (1 + ρ m).
        """
        return self.rate * self.units / (1 + self.rate * self.maturity)

    def state_dict(self) -> dict[str, Any]:
        """The state that is needed to go on exactly."""
        return {"owed": self.owed, "replaced": self.replaced, "recent": [list(pair) for pair in self.recent]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state."""
        self.owed, self.replaced = float(state["owed"]), int(state["replaced"])
        self.recent = deque((int(step), int(count)) for step, count in state["recent"])
        self.immature = sum(count for _, count in self.recent)
