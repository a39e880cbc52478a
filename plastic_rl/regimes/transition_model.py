"""A one-step model of a world: what follows an observation and an action, linearly, and how well that is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from plastic_rl.nn.moments import RunningMoments

PerTarget = Float[Tensor, " targets"]

# A step of a world is a handful of numbers, for which an operation of NumPy takes a fifth of the time of one of torch.
Numbers: TypeAlias = NDArray[np.float64]

Pair: TypeAlias = tuple[Numbers, Numbers]
"""The features and the targets of a transition."""

FEWEST, MOST, SHARE = 32, 256, 1 / 32
"""Transitions are taken in together, and the regression is solved once for them: a share of those known, in bounds."""

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
        self.waiting, self.number_waiting = list[Pair](), 0  # features and targets of one or several transitions each
        self._fitted: tuple[Numbers, ...] | None = None

    @property
    def is_young(self) -> bool:
        """True while it has seen too little to find anything unusual."""
        return self.moments.fading.weight < self.needed

    @property
    def missing(self) -> float:
        """How many transitions it waits for before it takes them in: 1 or fewer if it will with the next."""
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
            seen, followed = (torch.from_numpy(np.concatenate(each)) for each in zip(*self.waiting, strict=True))
            self.moments.update(seen, followed)
            self.waiting, self.number_waiting, self._fitted = [], 0, None

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
        errors = targets - target_mean - (features - mean).dot(weights)
        errors *= errors
        errors /= usual
        return np.log(np.maximum(errors.mean(1), SMALLEST))

    def _fit(self) -> tuple[Numbers, ...]:
        """Means of features and targets, weights, and the variance of errors that is usual."""
        if self._fitted is None:
            moments = self.moments
            largest = float(moments.covariance.diagonal().max().clamp(min=SMALLEST))
            weights = moments.weights(RIDGE * largest)
            least = PRECISION**2 * moments.target_variances
            usual = residual_variance(moments, weights).maximum(least).clamp(min=SMALLEST)
            self._fitted = tuple(each.numpy().copy() for each in (moments.mean, moments.target_mean, weights, usual))
        return self._fitted

    def state_dict(self) -> dict[str, Any]:
        """A state to go on from exactly, in tensors and plain values."""
        rows = [row for block in self.waiting for row in zip(*block, strict=True)]
        return {"moments": dict(self.moments.state_dict()), "waiting": as_tensors(rows)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state."""
        self.moments.load_state_dict(state["moments"])
        rows = as_numbers(state["waiting"])
        self.waiting = [(features[None], targets[None]) for features, targets in rows]
        self.number_waiting, self._fitted = len(rows), None


def as_tensors(pairs: Sequence[Pair]) -> list[tuple[Tensor, Tensor]]:
    """Features and targets as a checkpoint holds them."""
    return [(torch.tensor(features), torch.tensor(targets)) for features, targets in pairs]


def as_numbers(pairs: Sequence[tuple[Tensor, Tensor]]) -> list[Pair]:
    """Features and targets from a checkpoint, which may have been read onto another device."""
    return [(features.cpu().numpy().copy(), targets.cpu().numpy().copy()) for features, targets in pairs]
