"""Random Fourier features: numbers in which a smooth law is linear.

Rahimi and Recht, "Random features for large-scale kernel machines", NeurIPS 2007.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from plastic_rl.regimes.numbers import Numbers

REACH = 8.0
"""The length scale of laws, in standard deviations of a feature times the root of their number."""

NEGLIGIBLE = 1e-6
"""A standard deviation, as a share of the mean, of what does not vary."""


class RandomFeatures:
    """Standardised features z, and cosines of them: (z, cos(Ωz + b)), with Gaussian Ω and uniform b.

    The same Ω and b are drawn for the same sizes. What is standard is seen once, in :meth:`place`, as a linear map of
    features that move would be of no use.

    Args:
        features: number of features.
        count: of cosines.
    """

    def __init__(self, features: int, count: int) -> None:
        rng = np.random.default_rng(0)
        self.frequencies = rng.normal(size=(features, count)) / (REACH * features**0.5)
        self.phases = rng.uniform(0, 2 * np.pi, count)
        self.mean, self.scale = np.zeros(features), np.ones(features)  # a scale of 0: constant, and left out

    def place(self, features: Numbers) -> None:
        """Takes mean and standard deviation of features, of shape (samples, features); what is constant is left out."""
        self.mean, spread = features.mean(0), features.std(0)
        self.scale = np.where(spread > NEGLIGIBLE * (1 + np.abs(self.mean)), spread, 0.0)

    def __call__(self, features: Numbers) -> Numbers:
        """The features of shape (samples, features + count)."""
        standard = np.zeros(features.shape)
        np.divide(features - self.mean, self.scale, out=standard, where=self.scale > 0)
        # In single precision: a cosine of doubles takes three times as long.
        angles = (standard @ self.frequencies + self.phases).astype(np.float32)
        return np.concatenate([standard, np.cos(angles)], axis=1, dtype=np.float64)

    def state_dict(self) -> dict[str, Any]:
        """The place that was taken."""
        return {"mean": torch.tensor(self.mean), "scale": torch.tensor(self.scale)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved place."""
        self.mean, self.scale = (state[name].cpu().numpy().copy() for name in ("mean", "scale"))
