"""Losses of one block by the dependence of its features on inputs and targets, each with a part that blocks share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from plastic_rl.nn.hsic import linear_cka, linear_hsic, pairs, whitened, whitened_trace
from plastic_rl.nn.kernels import (
    centered,
    draw_frequencies,
    gaussian_kernel,
    random_fourier_features,
)
from plastic_rl.nn.local.targets import Columns, TargetEncoder

Loss = Float[Tensor, ""]
Features = Float[Tensor, "samples ..."]


class Objective(nn.Module):
    """Interface: the loss of one block. Subclasses are constructed from an example of its features and the encoder."""

    def prepare(self, inputs: Tensor, targets: Columns) -> Any:
        """The part that the losses of all blocks share; called once per batch, on the first block's objective."""
        raise NotImplementedError

    def forward(self, features: Features, shared: Any) -> Loss:
        raise NotImplementedError

    def layers_on(self, features: Features) -> list[Tensor]:
        """The outputs of layers of its own that read features: none, or those of a probe."""
        return []

    def forget(self, units: Tensor) -> None:
        """Forgets what is remembered of features, by a mask over them, whose units were replaced."""


def bottleneck(input_term: Tensor | float, target_term: Tensor, beta: float) -> Tensor:
    """The balance of the bottleneck, I - β J; with β = ∞ the input term is left out, and what remains is -J."""
    return -target_term if math.isinf(beta) else input_term - beta * target_term


class NormalizedHSIC(Objective):
    """nHSIC(Z, X) - β nHSIC(Z, Y) with Gaussian kernels (Ma, Lewis & Kleijn 2020).

    All kernels that do not depend on the block are in one matrix, T = R_X - β R_Y; the loss is tr(R_Z T). Needs a
    normalisation layer in each block, or features grow until their kernel is flat, and batches of a few samples per
    class.

    Args:
        features: an example of the block's features.
        encoder: of the targets.
        beta: β; `math.inf` leaves the input term out.
        sigma: σ of all three kernels, scaled by the dimension; several are averaged.
        epsilon: ε.
    """

    def __init__(
        self,
        features: Features,
        encoder: TargetEncoder,
        *,
        beta: float = 100.0,
        sigma: float | Sequence[float] = 5.0,
        epsilon: float = 1e-5,
    ) -> None:
        super().__init__()
        self.beta, self.sigma, self.epsilon = beta, sigma, epsilon

    def prepare(self, inputs: Tensor, targets: Columns) -> Tensor:
        """T = R_X - β R_Y."""
        dependence = 0.0 if math.isinf(self.beta) else self._whitened(inputs)
        return bottleneck(dependence, self._whitened(targets), self.beta)

    def _whitened(self, samples: Tensor) -> Tensor:
        return whitened(gaussian_kernel(samples.flatten(1), self.sigma), self.epsilon)

    def forward(self, features: Features, shared: Tensor) -> Loss:
        return whitened_trace(gaussian_kernel(features.flatten(1), self.sigma), shared, self.epsilon)


class GaussianHSIC(Objective):
    """HSIC(Z, X) - β HSIC(Z, Y), Gaussian kernels for features and inputs, a linear one for targets; O(m²) per block.

    With one-hot columns the Gaussian label kernel of the paper is constant but for 0.4 %; only normalisation saves it.

    Args:
        features: an example of the block's features.
        encoder: of the targets.
        beta: β; `math.inf` leaves the input term out.
        sigma: σ of the kernels, scaled by the dimension; several are averaged.
    """

    def __init__(
        self,
        features: Features,
        encoder: TargetEncoder,
        *,
        beta: float = math.inf,
        sigma: float | Sequence[float] = 1.0,
    ) -> None:
        super().__init__()
        self.beta, self.sigma = beta, sigma

    def prepare(self, inputs: Tensor, targets: Columns) -> Tensor:
        """H (K_X - β K_Y) H / (m - 1)²."""
        of_inputs = 0.0 if math.isinf(self.beta) else gaussian_kernel(inputs.flatten(1), self.sigma)
        return centered(bottleneck(of_inputs, targets @ targets.T, self.beta)) / pairs(len(targets))

    def forward(self, features: Features, shared: Tensor) -> Loss:
        return (gaussian_kernel(features.flatten(1), self.sigma) * shared).sum()


class LinearHSIC(Objective):
    """Linear-kernel HSIC or CKA with the targets, and 1/β of that with the inputs, in feature space; no m × m matrix.

    Args:
        features: an example of the block's features.
        encoder: of the targets; one column alone collapses the block to one direction (use "ridge").
        beta: β; `math.inf` leaves the input term out.
        is_normalized: CKA, blind to scale. Without, features must be normalised in the block, or they grow for ever.
    """

    def __init__(
        self, features: Features, encoder: TargetEncoder, *, beta: float = math.inf, is_normalized: bool = True
    ) -> None:
        super().__init__()
        self.beta, self.dependence = beta, linear_cka if is_normalized else linear_hsic

    def prepare(self, inputs: Tensor, targets: Columns) -> tuple[Tensor, Columns]:
        """Inputs and targets as they are."""
        return inputs.flatten(1), targets

    def forward(self, features: Features, shared: tuple[Tensor, Columns]) -> Loss:
        features, (inputs, targets) = features.flatten(1), shared
        of_inputs = 0.0 if math.isinf(self.beta) else self.dependence(features, inputs)
        return bottleneck(of_inputs, self.dependence(features, targets), self.beta)


class RandomFourierHSIC(Objective):
    """Gaussian-kernel HSIC of the features with the targets by random Fourier features; a linear target kernel.

    Args:
        features: an example of the block's features.
        encoder: of the targets.
        sigma: σ, scaled by the dimension.
        frequencies: how many are drawn; there are two features for each.
        seed: of the draw.
    """

    def __init__(
        self,
        features: Features,
        encoder: TargetEncoder,
        *,
        sigma: float = 1.0,
        frequencies: int = 256,
        seed: int = 0,
    ) -> None:
        super().__init__()
        generator, width = torch.Generator().manual_seed(seed), features[0].numel()
        drawn = draw_frequencies(width, frequencies, sigma, generator).to(features)
        self.register_buffer("frequencies", drawn)

    frequencies: Tensor

    def prepare(self, inputs: Tensor, targets: Columns) -> Columns:
        """The targets as they are."""
        return targets

    def forward(self, features: Features, shared: Columns) -> Loss:
        return -linear_hsic(random_fourier_features(features.flatten(1), self.frequencies), shared)
