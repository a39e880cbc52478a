"""A one-step model of a world: what follows an observation and an action, linearly, and how well that is known."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.nn.moments import RunningMoments

Features = Float[Tensor, "transitions features"]
Targets = Float[Tensor, "transitions targets"]
PerTarget = Float[Tensor, " targets"]

BATCH = 32
"""Transitions that are taken in together: the regression is solved once for them."""

SAMPLES_PER_FEATURE = 10
"""The number of transitions for each feature before a model may find anything unusual."""

PRECISION = 0.01
"""The least error that counts as usual, in standard deviations of the target: far below, rounding is all there is."""

RIDGE = 1e-9  # of the largest variance of a feature: features that never change must not make the system singular
SMALLEST = 1e-12  # variance of a target that is constant, in its own units squared


def residual_variance(moments: RunningMoments, weights: Float[Tensor, "features targets"]) -> PerTarget:
    """Var[y - Bᵀz] for each target: Var[y] - 2 diag(BᵀC) + diag(BᵀΣB)."""
    explained = (weights * (2 * moments.cross - moments.covariance @ weights)).sum(0)
    return (moments.target_variances - explained).clamp(min=0)


class TransitionModel:
    """The ridge regression of targets on features over the latest transitions, and the size of its usual errors.

    In double precision: kinematics are exact to rounding, and what is left of a variance of 1 is then of the order of
    its square. What a policy visits shifts as it learns; the horizon lets the model follow.

    Args:
        features: number of features.
        targets: number of targets.
        horizon: transitions after which it has forgotten (:class:`plastic_rl.nn.moments.Fading`).

    Raises:
        ValueError: the horizon is too short for a model of so many features to be trusted ever.
    """

    def __init__(self, features: int, targets: int, horizon: float) -> None:
        self.needed = SAMPLES_PER_FEATURE * features
        if not horizon > self.needed:
            raise ValueError(f"horizon must be above {self.needed} transitions for {features} features, got {horizon}")
        self.moments = RunningMoments(features, targets, horizon).double()
        self.waiting: list[tuple[Tensor, Tensor]] = []
        self._fitted: tuple[Tensor, PerTarget] | None = None

    @property
    def is_young(self) -> bool:
        """True while it has seen too little to find anything unusual."""
        return self.moments.fading.weight < self.needed

    def learn(self, features: Float[Tensor, " features"], targets: PerTarget) -> None:
        """Takes a transition in; those that do not fill a batch yet wait."""
        self.waiting.append((features.clone(), targets.clone()))  # the caller may use its tensors again
        if len(self.waiting) == BATCH:
            seen, followed = zip(*self.waiting, strict=True)
            self.moments.update(torch.stack(seen), torch.stack(followed))
            self.waiting, self._fitted = [], None

    def log_error(self, features: Features, targets: Targets) -> Float[Tensor, " transitions"]:
        """The log of the mean over targets of e_j² / s_j²: squared errors over the usual ones.

        About 0 for a transition of the world that was learnt, 2 log r where errors are r times the usual; exactly 0
        while the model is young.
        """
        if self.is_young:
            return torch.zeros(len(features), dtype=torch.float64)
        weights, usual = self._fit()
        errors = targets - self.moments.target_mean - (features - self.moments.mean) @ weights
        return (errors.square() / usual).mean(1).clamp(min=SMALLEST).log()

    def _fit(self) -> tuple[Tensor, PerTarget]:
        """Weights, and the variance of errors that is usual."""
        if self._fitted is None:
            largest = float(self.moments.covariance.diagonal().max().clamp(min=SMALLEST))
            weights = self.moments.weights(RIDGE * largest)
            usual = residual_variance(self.moments, weights)
            least = PRECISION**2 * self.moments.target_variances
            self._fitted = weights, usual.maximum(least).clamp(min=SMALLEST)
        return self._fitted

    def state_dict(self) -> dict[str, Any]:
        """A state to go on from exactly, in tensors and plain values."""
        return {"moments": dict(self.moments.state_dict()), "waiting": list(self.waiting)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state."""
        self.moments.load_state_dict(state["moments"])
        self.waiting, self._fitted = on_cpu(state["waiting"]), None


def on_cpu(pairs: list[tuple[Tensor, Tensor]]) -> list[tuple[Tensor, Tensor]]:
    """Features and targets where the regressions are: an algorithm's checkpoint may be read onto another device."""
    return [(features.cpu(), targets.cpu()) for features, targets in pairs]
