"""Running first and second moments of features and targets, for batches of any size."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from plastic_rl.nn.ridge import ridge_weights


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


class RunningMoments(nn.Module):
    """Means, covariance and cross-covariance of features and targets over the latest samples.

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

    mean: Tensor
    target_mean: Tensor
    target_square: Tensor
    products: Tensor
    target_products: Tensor

    @torch.no_grad()
    def update(self, features: Float[Tensor, "samples features"], targets: Float[Tensor, "samples targets"]) -> None:
        """Takes a batch in."""
        share, samples = self.fading.add(len(features)), len(features)
        self.mean.lerp_(features.mean(0), share)
        self.target_mean.lerp_(targets.mean(0), share)
        self.target_square.lerp_(targets.square().mean(0), share)
        self.products.addmm_(features.T, features, beta=1 - share, alpha=share / samples)
        self.target_products.addmm_(features.T, targets, beta=1 - share, alpha=share / samples)

    @property
    def covariance(self) -> Float[Tensor, "features features"]:
        """E[zzᵀ] - E[z] E[z]ᵀ."""
        return self.products - torch.outer(self.mean, self.mean)

    @property
    def cross(self) -> Float[Tensor, "features targets"]:
        """E[zyᵀ] - E[z] E[y]ᵀ."""
        return self.target_products - torch.outer(self.mean, self.target_mean)

    @property
    def target_variance(self) -> Float[Tensor, ""]:
        """The sum of the variances of the target columns."""
        return (self.target_square - self.target_mean.square()).sum().clamp(min=0)

    def weights(self, ridge: float | Float[Tensor, ""]) -> Float[Tensor, "features targets"]:
        """The ridge readout of what is remembered (:func:`plastic_rl.nn.ridge.ridge_weights`)."""
        return ridge_weights(self.covariance, self.cross, ridge)

    @torch.no_grad()
    def forget(self, units: Bool[Tensor, " features"]) -> None:
        """Forgets features whose units were replaced: as if each had been silent until now."""
        self.mean.masked_fill_(units, 0.0)
        self.products.masked_fill_(units, 0.0).masked_fill_(units[:, None], 0.0)
        self.target_products.masked_fill_(units[:, None], 0.0)

    def get_extra_state(self) -> dict[str, float]:
        return {"weight": self.fading.weight}

    def set_extra_state(self, state: Any) -> None:
        self.fading.weight = float(state["weight"])
