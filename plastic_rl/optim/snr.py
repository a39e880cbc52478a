"""Self-normalised resets: a unit is replaced once it has not fired for longer than it ever does.

Farias, Jozefiak, "Self-normalized resets for plasticity in continual learning", ICLR 2025 (arXiv 2410.20098), Algorithm
1 ("SNR"), with the thresholds of the authors' code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer
from plastic_rl.optim.distributed import agreed, are_several
from plastic_rl.optim.firing import FiringLayer, observe
from plastic_rl.optim.joint_units import JoinsUnits
from plastic_rl.optim.scored_replacer import ScoredReplacer
from plastic_rl.optim.stacked.hearing import VectorizedHearing
from plastic_rl.validation import at_least, fraction

# Of a product of a share and a count: 0.95 of 20 is 19.
ROUNDING = 1e-9


def percentile(histogram: Int[Tensor, "units gaps"], share: float) -> Int[Tensor, " units"]:
    """The least gap of 1 or more within which ``share`` of a unit's gaps of 1 or more lie; 1 where it had none."""
    within = histogram[:, 1:].cumsum(1)
    needed = within[:, -1:].double() * share - ROUNDING
    return (within >= needed).int().argmax(1) + 1


def recalibrated(
    threshold: Float[Tensor, " units"], gap: Int[Tensor, " units"], expansion: float, largest: int
) -> Float[Tensor, " units"]:
    """The percentile where that is below the threshold, else ``expansion`` times it; from 1 to the largest."""
    return torch.where(gap < threshold, gap.to(threshold.dtype), expansion * threshold).clamp(1, largest)


class SelfNormalizedResets(JoinsUnits[FiringLayer], ScoredReplacer[FiringLayer]):
    """Replaces units that have not fired for longer than a threshold of their own, which follows how they used to fire.

    A unit fires in an update where it is positive on some sample, at some place, of some pass. It is replaced when it
    has not fired for τ_i updates: its silence is then longer than all but a share η of those that it had before. From
    time to time τ_i contracts to that percentile of the unit's silences, or, where it is not below τ_i, expands.

    Time is counted in updates, in the authors' code in samples: with minibatches of one size that is the same.

    Args:
        optimizer: what moves the parameters. torch's Adam and AdamW are given a clock for single units.
        layers: the groups of units; the output layer is none.
        rejection_threshold: η, the share of its own silences that a unit may exceed.
        max_threshold: the largest τ_i, in updates, with which units begin.
        recalibrate_every: updates between two changes of the thresholds.
        expansion: by how much a threshold grows that the percentile does not contract.
        every: updates between two tests, each of which asks the device once; 0 never tests, and leaves the optimiser
            bit for bit alone.
        forget_optimizer_state: forget the moments of replaced units.
        initialiser: fills newborn units' weights; None resembles the layer's weights at construction.
        audit_size: how many of the latest replacements :meth:`replacements` can tell of; 0 keeps none.
        seed: of the draws; None takes torch's initial seed. The global random-number stream is never touched.

    Raises:
        ValueError: for a hyper-parameter out of its range, no layers, or layers that the optimiser does not train.
    """

    label = "self-normalised resets"
    prefix = "snr"
    delay = "max_threshold"
    vectorized = VectorizedHearing

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Iterable[HiddenLayer] = (),
        *,
        rejection_threshold: float = 0.05,
        max_threshold: int = 200,
        recalibrate_every: int = 1600,
        expansion: float = 2.0,
        every: int = 1,
        forget_optimizer_state: bool = True,
        initialiser: Callable[..., Any] | None = None,
        audit_size: int = 0,
        seed: int | None = None,
    ) -> None:
        self.rejection_threshold = fraction("rejection_threshold", rejection_threshold)
        self.max_threshold = int(at_least("max_threshold", 1, max_threshold))
        self.recalibrate_every = int(at_least("recalibrate_every", 1, recalibrate_every))
        self.expansion = at_least("expansion", 1, expansion)
        super().__init__(
            optimizer,
            layers,
            every=every,
            initialiser=initialiser,
            forget_optimizer_state=forget_optimizer_state,
            audit_size=audit_size,
            seed=seed,
        )

    def watching(self) -> list[FiringLayer]:
        return [FiringLayer(layer, self.initialiser, self.max_threshold) for layer in self.layers]

    def hears_next(self) -> bool:
        return not self.is_off

    @property
    def earliest(self) -> int:
        return -(-self.max_threshold // self.every) * self.every

    def observe(self) -> None:
        for joint in () if self.is_off else self.joint:
            fired = [watched.fired() for watched in joint.layers]
            ran = [(watched, each) for watched, each in zip(joint.layers, fired, strict=True) if each is not None]
            if len(ran) == len(fired):
                together = torch.cat([each for _, each in ran])
                observe(agreed(together.float()) > 0 if are_several() else together, *joint.tensors)
            else:
                for watched, each in ran:
                    watched.observe(agreed(each.float()) > 0)

    def score(self, watched: FiringLayer) -> Float[Tensor, " units"] | None:
        """For how many updates each unit has not fired."""
        return None if watched.unheard else watched.silence.to(watched.threshold.dtype)

    def condemned(self, watched: FiringLayer, score: Float[Tensor, " units"]) -> Bool[Tensor, " units"]:
        return score >= watched.threshold

    def is_overdue(self, watched: FiringLayer) -> bool:
        """Heads that take turns may be unheard for a while."""
        return watched.unheard >= self.max_threshold

    def look(self, step: int, active: list[FiringLayer]) -> None:
        if self._is_some_unit_silent() or any(map(self.is_overdue, active)):
            super().look(step, active)
        if step % self.recalibrate_every < self.every:
            for joint in self.joint:
                _, histogram, threshold = joint.tensors
                gap = percentile(histogram, 1 - self.rejection_threshold)
                threshold.copy_(recalibrated(threshold, gap, self.expansion, self.max_threshold))
                histogram.zero_()

    def _is_some_unit_silent(self) -> bool:
        """True if some unit is silent for as long as its threshold: the one question of a test to a device."""
        return any(
            bool((silence >= threshold).any()) for silence, _, threshold in (each.tensors for each in self.joint)
        )
