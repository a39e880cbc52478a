"""The gate of every study of remedies: it is void unless its baseline loses against a fresh agent at each change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plastic_rl.evaluation import Estimate, difference, estimate, probability_of_improvement

Scores = Mapping[str, NDArray[np.float64]]
"""For each arm what its runs reach in each task after the first, of shape (seeds, tasks); more is better."""


@dataclass(frozen=True)
class Verdict:
    """The outcome of the comparison of a study's baseline with a fresh agent at each change.

    Args:
        word: "holds", "void" or "open".
        reason: in words.
        gap: by how much the fresh agent is better: a difference of interquartile means, and its 95 % interval.
        probability: that a run of it beats one of the baseline.
    """

    word: str
    reason: str
    gap: Estimate | None = None
    probability: float | None = None

    def __str__(self) -> str:
        numbers = "" if self.gap is None else f" ({self._gap}, P(better) {self.probability:.2f})"
        return f"gate {self.word}: {self.reason}{numbers}"

    @property
    def _gap(self) -> str:
        return "-" if self.gap is None else f"{self.gap.value:.4g} [{self.gap.low:.4g}, {self.gap.high:.4g}]"

    def row(self, baseline: str, fresh: str | None) -> dict[str, str]:
        """The verdict as the row of a table."""
        return {
            "baseline": baseline,
            "fresh": fresh or "-",
            "fresh is better by": self._gap,
            "P(fresh is better)": "-" if self.probability is None else f"{self.probability:.2f}",
            "verdict": self.word,
        }


def verdict(baseline: str, fresh: str | None, scores: Scores, *, is_paired: bool = False) -> Verdict:
    """Compares what a baseline and a fresh agent at each change reach, on average over the tasks after the first.

    The gate holds where the interval of the difference lies above zero: then something is lost that a remedy can win.
    Where it does not, nothing that the study says of a remedy is about plasticity.

    Args:
        baseline: the arm without a remedy.
        fresh: the arm that starts from scratch at each change; None where the study has none.
        scores: of all arms.
        is_paired: compare seed by seed, the probability then being the share of seeds; else all runs with all.
    """
    if fresh is None:
        return Verdict("open", "no arm is a fresh agent at each change, against which the baseline could lose")
    if not scores[baseline].shape[1]:
        return Verdict("open", "there was no change")
    ours, theirs = (np.nanmean(scores[arm], axis=1) for arm in (fresh, baseline))
    gap = estimate(ours - theirs) if is_paired else difference(ours, theirs)
    won = f"{fresh} is better than {baseline}" if gap.low > 0 else f"{fresh} is not clearly better than {baseline}"
    probability = float(np.mean(ours > theirs)) if is_paired else probability_of_improvement(ours, theirs)
    return Verdict("holds" if gap.low > 0 else "void", won, gap, probability)
