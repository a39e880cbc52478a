"""Running first and second moments of features and targets, for batches of any size."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from plastic_rl.nn.ridge import ridge_weights
from plastic_rl.precision import check_magnitude, largest_square_root

NEGLIGIBLE = 1e-3
"""The share of a variance that the rounding of a squared mean may amount to."""

Vector = Float[Tensor, " n"]


class Fading:
    """The weights of a running average that forgets: a sample that is n samples old counts (1 - 1 / horizon)^n.

    The average is a true one from the first batch on, which is what bias correction does for an exponential average.

    Args:
        horizon: in samples; `math.inf` forgets nothing.

    Raises:
        ValueError: for a horizon below one sample.
    """

    def __init__(self, horizon: float) -> None:
        if not horizon >= 1:
            raise ValueError(f"horizon is a number of samples, 1 or more; got {horizon}")
        self.horizon, self.weight = horizon, 0.0

    def add(self, samples: int) -> float:
        """Counts a batch, and returns the share of the average that is the batch's."""
        self.weight = self.weight * (1 - 1 / self.horizon) ** samples + samples
        return samples / self.weight


def is_far(distance: Vector, variance: Vector) -> Bool[Tensor, " n"]:
    """A mask of means so far from the origin of second moments that rounding takes too much of a variance.

    A variance from second moments about an origin is E[(z - origin)²] - (E[z] - origin)², the difference of two numbers
    that are rounded to ε times the square of the distance.

    Args:
        distance: of the means from the origin.
        variance: what the rounding must be small beside.
    """
    return torch.finfo(distance.dtype).eps * distance.square() > NEGLIGIBLE * variance


def add_origins(module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Adds the origins to what was saved when second moments were about 0 always."""
    for name, buffer in module.named_buffers(recurse=False):
        if name.endswith("origin"):
            state.setdefault(prefix + name, torch.zeros_like(buffer))


def at_least_mean(variances: Vector) -> Vector:
    """The variance of each of the features that are solved for together, or the mean of all if that is larger.

    A constant far away spoils the system of equations as much as a number that varies; one nearby does not.
    """
    return variances.maximum(variances.mean())


class RunningMoments(nn.Module):
    """Means, covariance and cross-covariance of features and targets over the latest samples.

    Second moments are about an origin. That is 0, until means lie so far from it that rounding would spoil the
    variances (10,000 ± 1 in single precision); then it moves to the means, which leaves all variances what they are.

    Args:
        features: number of features.
        targets: number of target columns.
        horizon: how many samples back it remembers (:class:`Fading`).
    """

    def __init__(self, features: int, targets: int, horizon: float) -> None:
        super().__init__()
        self.fading = Fading(horizon)
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("target_mean", torch.zeros(targets))
        self.register_buffer("target_square", torch.zeros(targets))
        self.register_buffer("products", torch.zeros(features, features))
        self.register_buffer("target_products", torch.zeros(features, targets))
        self.register_buffer("origin", torch.zeros(features))
        self.register_buffer("target_origin", torch.zeros(targets))
        self.register_load_state_dict_pre_hook(add_origins)

    mean: Tensor
    target_mean: Tensor
    target_square: Tensor
    products: Tensor
    target_products: Tensor
    origin: Tensor
    target_origin: Tensor

    @torch.no_grad()
    def update(self, features: Float[Tensor, "samples features"], targets: Float[Tensor, "samples targets"]) -> None:
        """Takes a batch in.

        Raises:
            ValueError: features or targets are not finite, or their squares are not; nothing has been taken in then.
        """
        check_magnitude("features", features, below=largest_square_root(self.mean.dtype))
        check_magnitude("targets", targets, below=largest_square_root(self.mean.dtype))
        if self.fading.weight == 0:
            self._place_origins(features, targets)
        share, samples = self.fading.add(len(features)), len(features)
        self.mean.lerp_(features.mean(0), share)
        self.target_mean.lerp_(targets.mean(0), share)
        z, y = features - self.origin, targets - self.target_origin
        self.target_square.lerp_(y.square().mean(0), share)
        self.products.addmm_(z.T, z, beta=1 - share, alpha=share / samples)
        self.target_products.addmm_(z.T, y, beta=1 - share, alpha=share / samples)
        self._move_origins()

    def _place_origins(self, features: Tensor, targets: Tensor) -> None:
        """Chooses the origins by the first batch, of which nothing would be left to move them by afterwards."""
        if len(features) > 1:  # one sample has no variance
            mean, target_mean = features.mean(0), targets.mean(0)
            far = is_far(mean, at_least_mean(features.var(0, correction=0)))
            far_targets = is_far(target_mean, targets.var(0, correction=0))
            self.origin.copy_(torch.where(far, mean, 0.0))
            self.target_origin.copy_(torch.where(far_targets, target_mean, 0.0))

    def _move_origins(self) -> None:
        """Moves the origins of what has drifted away from them."""
        distance = self.mean - self.origin
        far = is_far(distance, at_least_mean(self.products.diagonal() - distance.square()))
        far_targets = is_far(self.target_mean - self.target_origin, self.target_variances)
        if self.fading.weight < 2 or not bool(far.any() | far_targets.any()):
            return
        covariance, cross, variances = self.covariance, self.cross, self.target_variances
        self.origin.copy_(torch.where(far, self.mean, self.origin))
        self.target_origin.copy_(torch.where(far_targets, self.target_mean, self.target_origin))
        distance, target_distance = self.mean - self.origin, self.target_mean - self.target_origin
        self.products.copy_(covariance + torch.outer(distance, distance))
        self.target_products.copy_(cross + torch.outer(distance, target_distance))
        self.target_square.copy_(variances + target_distance.square())

    @property
    def covariance(self) -> Float[Tensor, "features features"]:
        """E[(z - E[z]) (z - E[z])ᵀ]."""
        distance = self.mean - self.origin
        return self.products - torch.outer(distance, distance)

    @property
    def cross(self) -> Float[Tensor, "features targets"]:
        """E[(z - E[z]) (y - E[y])ᵀ]."""
        return self.target_products - torch.outer(self.mean - self.origin, self.target_mean - self.target_origin)

    @property
    def target_variances(self) -> Float[Tensor, " targets"]:
        """The variance of each target column."""
        return self.target_square - (self.target_mean - self.target_origin).square()

    @property
    def target_variance(self) -> Float[Tensor, ""]:
        """The sum of the variances of the target columns."""
        return self.target_variances.sum().clamp(min=0)

    def weights(self, ridge: float | Float[Tensor, ""]) -> Float[Tensor, "features targets"]:
        """The ridge readout of what is remembered (:func:`plastic_rl.nn.ridge.ridge_weights`).

        Args:
            ridge: λ; what is below the rounding of the largest variance counts as that.
        """
        covariance = self.covariance
        rounding = 8 * torch.finfo(covariance.dtype).eps * covariance.diagonal().max()
        return ridge_weights(covariance, self.cross, torch.clamp(rounding, min=ridge))

    @torch.no_grad()
    def forget(self, units: Bool[Tensor, " features"]) -> None:
        """Forgets features whose units were replaced: as if each had been silent until now."""
        self.mean.masked_fill_(units, 0.0)
        self.origin.masked_fill_(units, 0.0)
        self.products.masked_fill_(units, 0.0).masked_fill_(units[:, None], 0.0)
        self.target_products.masked_fill_(units[:, None], 0.0)

    def get_extra_state(self) -> dict[str, float]:
        return {"weight": self.fading.weight}

    def set_extra_state(self, state: Any) -> None:
        self.fading.weight = float(state["weight"])
