"""Methods that replace the units that do least beside the mean of their layer, by whatever measure."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer
from plastic_rl.optim.distributed import agreed
from plastic_rl.optim.periodic_replacer import Watched
from plastic_rl.optim.scored_replacer import ScoredReplacer
from plastic_rl.validation import non_negative


def relative_to_layer(activity: Float[Tensor, " units"]) -> Float[Tensor, " units"]:
    """Each unit's activity over the mean of its layer (Sokar et al., ICML 2023, Eq. 1); lower is more idle.

    It is 0 throughout a layer without any activity, where the quotient would be 0 / 0. Where an activity is infinite or
    not a number it says nothing of any unit of the layer: not a number throughout, which no threshold is above.
    """
    mean = activity.mean()
    score = activity / mean.clamp(min=torch.finfo(activity.dtype).tiny)
    return torch.where(mean.isfinite(), score, torch.nan)


class IdleReplacer(ScoredReplacer[Watched]):
    """A method that replaces, every so many updates, the units whose activity is at most τ times their layer's mean.

    Args:
        optimizer: what moves the parameters.
        layers: the groups of units.
        threshold: τ.
        every: updates between two looks; 0 never looks.
        initialiser: fills newborn units' weights; None resembles the layer's weights at construction.
        forget_optimizer_state: forget the moments of replaced units.
        audit_size: how many of the latest replacements :meth:`replacements` can tell of; 0 keeps none.
        seed: of the draws; None takes torch's initial seed.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Iterable[HiddenLayer],
        *,
        threshold: float,
        every: int,
        initialiser: Callable[..., Any] | None,
        forget_optimizer_state: bool,
        audit_size: int,
        seed: int | None,
    ) -> None:
        self.threshold = non_negative("threshold", threshold)
        super().__init__(
            optimizer,
            layers,
            every=every,
            initialiser=initialiser,
            forget_optimizer_state=forget_optimizer_state,
            audit_size=audit_size,
            seed=seed,
        )

    @abstractmethod
    def activity(self, watched: Watched) -> Float[Tensor, " units"] | None:
        """The activity of a layer's units in this update, up to a factor that they share; None where nobody knows."""

    def score(self, watched: Watched) -> Float[Tensor, " units"] | None:
        activity = self.activity(watched)
        return None if activity is None else relative_to_layer(agreed(activity))

    def condemned(self, watched: Watched, score: Float[Tensor, " units"]) -> Bool[Tensor, " units"]:
        return score <= self.threshold
