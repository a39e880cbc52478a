"""Smooth-Leaky: a leaky rectifier without a kink.

Lillo, Cheney, "Activation function design sustains plasticity in continual learning", ICLR 2026 (arXiv 2509.22562).
"""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional

from plastic_rl.validation import fraction


def smooth_leaky_relu(inputs: Tensor, slope: float, sharpness: float) -> Tensor:
    """The function a x + (1 - a) x σ(s x): slope a far below zero, 1 far above (Eq. 1)."""
    # As the sum of a line and torch's x σ(x), whose derivative is known to whoever asks which units are flat.
    return slope * inputs + (1 - slope) / sharpness * functional.silu(sharpness * inputs)


class SmoothLeakyReLU(nn.Module):
    """The non-linearity a x + (1 - a) x σ(s x).

    Args:
        slope: a, below zero; the paper's α.
        sharpness: s, how fast it turns from one slope to the other; the paper's c / p, with c = 5 and p = 3.

    Raises:
        ValueError: the slope is not in [0, 1], or the sharpness is not above 0 and finite.
    """

    def __init__(self, *, slope: float = 0.1, sharpness: float = 5 / 3) -> None:
        super().__init__()
        self.slope, self.sharpness = fraction("slope", slope), sharpness
        if not 0 < sharpness < math.inf:
            raise ValueError(f"sharpness must be above 0 and finite, got {sharpness}")

    def forward(self, input: Tensor) -> Tensor:
        """The activations, of the input's shape."""
        return smooth_leaky_relu(input, self.slope, self.sharpness)

    def extra_repr(self) -> str:
        """The settings."""
        return f"slope={self.slope}, sharpness={self.sharpness:g}"
