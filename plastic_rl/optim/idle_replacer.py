"""Methods that replace the units that do least beside the mean of their layer, by whatever measure."""

from __future__ import annotations

from abc import abstractmethod

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from plastic_rl.optim.distributed import agreed
from plastic_rl.optim.periodic_replacer import Watched
from plastic_rl.optim.scored_replacer import ScoredReplacer


def relative_to_layer(activity: Float[Tensor, " units"]) -> Float[Tensor, " units"]:
    """Each unit's activity over the mean of its layer (Sokar et al., ICML 2023, Eq. 1); lower is more idle.

    It is 0 throughout a layer without any activity, where the quotient would be 0 / 0. Where an activity is infinite or
    not a number it says nothing of any unit of the layer: not a number throughout, which no threshold is above.
    """
    mean = activity.mean()
    score = activity / mean.clamp(min=torch.finfo(activity.dtype).tiny)
    return torch.where(mean.isfinite(), score, torch.nan)


class IdleReplacer(ScoredReplacer[Watched]):
    """A method that replaces, every so many updates, the units whose activity is at most τ times their layer's mean."""

    threshold: float
    """τ; a subclass has it before it calls the constructor."""

    @abstractmethod
    def activity(self, watched: Watched) -> Float[Tensor, " units"] | None:
        """The activity of a layer's units in this update, up to a factor that they share; None where nobody knows."""

    def score(self, watched: Watched) -> Float[Tensor, " units"] | None:
        activity = self.activity(watched)
        return None if activity is None else relative_to_layer(agreed(activity))

    def condemned(self, watched: Watched, score: Float[Tensor, " units"]) -> Bool[Tensor, " units"]:
        return score <= self.threshold
