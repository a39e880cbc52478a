"""A one-step model of a world: what follows an observation and an action, and how well that is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.nn.moments import RunningMoments
from plastic_rl.regimes.numbers import Numbers, Pair, as_numbers, as_tensors
from plastic_rl.regimes.random_features import RandomFeatures

PerTarget = Float[Tensor, " targets"]

FEWEST, MOST, SHARE = 32, 256, 1 / 32
"""Transitions are taken in together, and the regression is solved once for them: a share of those known, in bounds."""

SAMPLES_PER_FEATURE = 10
"""The number of transitions for each feature before a model may find anything unusual."""

PRECISION = 0.01
"""The least error that counts as usual, in standard deviations of the target: far below, rounding is all there is."""

RIDGE = 1e-9  # of the largest variance of a feature: features that never change must not make the system singular
RIDGE_OF_COSINES = 1e-6  # smooth cosines resemble each other
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
        cosines: as many random features beside the given ones, for laws that are not linear
            (:class:`plastic_rl.regimes.random_features.RandomFeatures`); 0 for a linear model.

    Raises:
        ValueError: the horizon is too short for a model of so many features to be trusted ever.
    """

    def __init__(self, features: int, targets: int, horizon: float, cosines: int = 0) -> None:
        self.needed = SAMPLES_PER_FEATURE * (features + cosines)
        if not horizon > self.needed:
            count = features + cosines
            raise ValueError(f"horizon must be above {self.needed} transitions for {count} features, got {horizon}")
        self.random = RandomFeatures(features, cosines) if cosines else None
        self.moments = RunningMoments(features + cosines, targets, horizon).double()
        self.waiting, self.number_waiting = list[Pair](), 0  # features and targets of one or several transitions each
        self._fitted: tuple[Numbers, ...] | None = None

    @property
    def is_young(self) -> bool:
        """True while it has seen too little to find anything unusual."""
        return self.moments.fading.weight < self.needed

    @property
    def missing(self) -> float:
        """The number of transitions to wait for before it takes them in: 1 or fewer if it will with the next."""
        if self.random is not None and self.is_young:
            return float(self.needed - self.number_waiting)  # by all of which random features are placed
        return float(min(max(FEWEST, self.moments.fading.weight * SHARE), MOST)) - self.number_waiting

    def learn(self, features: Numbers, targets: Numbers) -> None:
        """Takes transitions in; those that do not fill a batch yet wait.

        Args:
            features: of shape (transitions, features), which nobody writes to any more.
            targets: of shape (transitions, targets), likewise.
        """
        self.waiting.append((features, targets))
        self.number_waiting += len(features)
        if self.missing <= 0:
            seen, followed = (np.concatenate(each) for each in zip(*self.waiting, strict=True))
            if self.random is not None and self.is_young:
                self.random.place(seen)
            self.moments.update(torch.from_numpy(self._described(seen)), torch.from_numpy(followed))
            self.waiting, self.number_waiting, self._fitted = [], 0, None

    def _described(self, features: Numbers) -> Numbers:
        return features if self.random is None else self.random(features)

    @np.errstate(all="ignore")  # what is no number surprises nobody here, and is refused where it is learnt
    def log_error(self, features: Numbers, targets: Numbers) -> Numbers:
        """The log of the mean over targets of e_j² / s_j²: squared errors over the usual ones.

        About 0 for a transition of the world that was learnt, 2 log r where errors are r times the usual; exactly 0
        while the model is young.

        Args:
            features: of shape (transitions, features).
            targets: of shape (transitions, targets).
        """
        if self.is_young:
            return np.zeros(len(features))
        mean, target_mean, weights, usual = self._fit()
        errors = targets - target_mean - (self._described(features) - mean).dot(weights)
        errors *= errors
        errors /= usual
        return np.log(np.maximum(errors.mean(1), SMALLEST))

    def _fit(self) -> tuple[Numbers, ...]:
        """Means of features and targets, weights, and the variance of errors that is usual."""
        if self._fitted is None:
            moments = self.moments
            largest = float(moments.covariance.diagonal().max().clamp(min=SMALLEST))
            weights = moments.weights((RIDGE if self.random is None else RIDGE_OF_COSINES) * largest)
            least = PRECISION**2 * moments.target_variances
            usual = residual_variance(moments, weights).maximum(least).clamp(min=SMALLEST)
            self._fitted = tuple(each.numpy().copy() for each in (moments.mean, moments.target_mean, weights, usual))
        return self._fitted

    def state_dict(self) -> dict[str, Any]:
        """A state to go on from exactly, in tensors and plain values."""
        random = {} if self.random is None else {"random": self.random.state_dict()}
        return {"moments": dict(self.moments.state_dict()), "waiting": as_tensors(self.waiting), **random}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state."""
        self.moments.load_state_dict(state["moments"])
        if self.random is not None:
            self.random.load_state_dict(state["random"])
        # Transitions were kept one by one in the beginning.
        self.waiting = [
            (np.atleast_2d(seen), np.atleast_2d(followed)) for seen, followed in as_numbers(state["waiting"])
        ]
        self.number_waiting, self._fitted = sum(len(seen) for seen, _ in self.waiting), None
