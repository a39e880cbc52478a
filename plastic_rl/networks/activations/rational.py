"""Rational activations: a learnt quotient of polynomials for each layer.

Molina, Schramowski, Kersting, "Padé activation units", ICLR 2020 (arXiv 1907.06732); in reinforcement learning
Delfosse, Schramowski, Mundt, Molina, Kersting, "Adaptive rational activations to boost deep reinforcement learning",
ICLR 2024 (arXiv 2102.09407).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from plastic_rl.layers import LearntNonlinearity

# The least squares fit to leaky ReLU with slope 0.01 on 601 points of [-3, 3]: off by 0.034 at 0, less elsewhere.
NUMERATOR = (0.033583, 0.505000, 1.651315, 2.004517, 0.927936, 0.151537)
DENOMINATOR = (0.0, 3.969340, 0.0, 0.300074)


def polynomial(inputs: Tensor, coefficients: Float[Tensor, " degree"]) -> Tensor:
    """The polynomial c_0 + c_1 x + c_2 x² + …, by Horner's rule."""
    *lower, total = coefficients.unbind()
    for coefficient in reversed(lower):
        total = total * inputs + coefficient
    return total


def rational(inputs: Tensor, numerator: Float[Tensor, " m"], denominator: Float[Tensor, " n"]) -> Tensor:
    """The quotient P(x) / (1 + |b_1 x + … + b_n xⁿ|): nothing is divided by less than 1 ("safe", Molina et al.)."""
    return polynomial(inputs, numerator) / (1 + (inputs * polynomial(inputs, denominator)).abs())


class Rational(LearntNonlinearity):
    """A quotient of polynomials of degrees 5 and 4, learnt with the weights, one for all units of a layer.

    It begins as nearly a leaky ReLU. Its ten coefficients belong to no unit: they stay when units are replaced.
    """

    def __init__(self) -> None:
        super().__init__()
        self.numerator = nn.Parameter(torch.tensor(NUMERATOR))
        self.denominator = nn.Parameter(torch.tensor(DENOMINATOR))

    def forward(self, input: Tensor) -> Tensor:
        """The activations, of the input's shape."""
        return rational(input, self.numerator, self.denominator)
