"""Losses of one block by a readout of its own: in closed form, trained with it, or by similarity of samples.

Nøkland, Eidnes, "Training neural networks with local error signals", ICML 2019, for similarity matching.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from plastic_rl.nn.kernels import cosine_kernel
from plastic_rl.nn.local.objectives import Features, Loss, Objective
from plastic_rl.nn.local.targets import Columns, TargetEncoder
from plastic_rl.nn.moments import RunningMoments
from plastic_rl.precision import downscaled, in_full_precision

# The authors pool feature maps until their readout has no more inputs than this.
PROBE_INPUTS = 4096


class Ridge(Objective):
    """The share of the targets that a ridge readout of the block leaves unexplained, less one: minus the ridge score.

    The readout is that of running statistics, so that batches of any size will do; its weights count as constants,
    which at the minimum is exact (:func:`plastic_rl.nn.ridge.ridge_score`).

    Args:
        features: an example of the block's features.
        encoder: of the targets.
        ridge: λ, relative to features of unit variance.
        horizon: how many samples back the statistics reach; batches longer than that are, in effect, on their own.
    """

    def __init__(
        self, features: Features, encoder: TargetEncoder, *, ridge: float = 0.1, horizon: float = 1024.0
    ) -> None:
        super().__init__()
        self.ridge = ridge
        self.moments = RunningMoments(features[0].numel(), encoder.width, horizon)

    def prepare(self, inputs: Tensor, targets: Columns) -> Columns:
        """The targets as they are."""
        return targets

    def forward(self, features: Features, shared: Columns) -> Loss:
        features = features.flatten(1)
        self.moments.update(features.detach(), shared)
        weights = self.moments.weights(self.ridge)
        error = shared - self.moments.target_mean - (features - self.moments.mean) @ weights
        lost = error.square().sum(1).mean() + self.ridge * weights.square().sum()
        return lost / self.moments.target_variance.clamp(min=1e-6) - 1

    def forget(self, units: Tensor) -> None:
        self.moments.forget(units)


class Prediction(Objective):
    """The error of a linear probe that is trained with the block: cross-entropy for classes, squared for numbers.

    Args:
        features: an example of the block's features; maps are averaged over patches until the probe is small enough.
        encoder: of the targets.
    """

    def __init__(self, features: Features, encoder: TargetEncoder) -> None:
        super().__init__()
        self.has_classes, self.side = encoder.has_classes, 0
        if features.ndim == 4:
            self.side = max(1, min(features.shape[-1], math.isqrt(PROBE_INPUTS // features.shape[1])))
        self.probe = nn.Linear(self._pooled(features).shape[1], encoder.width)
        nn.init.zeros_(self.probe.weight)

    def _pooled(self, features: Features) -> Float[Tensor, "samples features"]:
        return (functional.adaptive_avg_pool2d(features, self.side) if self.side else features).flatten(1)

    def prepare(self, inputs: Tensor, targets: Columns) -> Columns:
        """The targets as they are."""
        return targets

    def layers_on(self, features: Features) -> list[Tensor]:
        return [self.probe(self._pooled(features))]

    def forward(self, features: Features, shared: Columns) -> Loss:
        predicted = self.probe(self._pooled(features))
        if self.has_classes:
            return functional.cross_entropy(predicted, shared)
        return functional.mse_loss(predicted, shared)


@in_full_precision
def similarity_matrix(x: Float[Tensor, "samples ..."]) -> Float[Tensor, "samples samples"]:
    """S(x): the correlation of each pair of samples over features; over the deviations of their maps, for images.

    Raises:
        ValueError: the samples are not finite.
    """
    x = downscaled("samples", x, tuple(range(1, x.ndim)))
    if x.ndim == 4 and x.shape[1] > 3 and x.shape[2] * x.shape[3] > 1:
        x = x.flatten(2).std(2)
    x = x.flatten(1)
    return cosine_kernel(x - x.mean(1, keepdim=True))


class Similarity(Objective):
    """‖S(g(Z)) - S(Y)‖² / m², samples of a class alike and others not ("sim", Nøkland & Eidnes 2019).

    Args:
        features: an example of the block's features.
        encoder: of the targets; of two columns or more, for a sample is compared over them.
    """

    def __init__(self, features: Features, encoder: TargetEncoder) -> None:
        super().__init__()
        if encoder.width < 2:
            raise ValueError('similarity needs targets of two columns or more, got 1; use estimator="ridge"')
        width = features.shape[1]
        self.projection: nn.Module = (
            nn.Conv2d(width, width, 3, padding=1, bias=False)
            if features.ndim == 4
            else nn.Linear(width, width, bias=False)
        )

    def prepare(self, inputs: Tensor, targets: Columns) -> tuple[Columns, Tensor]:
        """The targets, and S(Y)."""
        return targets, similarity_matrix(targets)

    def layers_on(self, features: Features) -> list[Tensor]:
        return [self.projection(features)]

    def forward(self, features: Features, shared: tuple[Columns, Tensor]) -> Loss:
        return functional.mse_loss(similarity_matrix(self.projection(features)), shared[1])


class PredictionSimilarity(Objective):
    """A little of the probe's error, and for the rest similarity ("predsim", Nøkland & Eidnes 2019).

    Args:
        features: an example of the block's features.
        encoder: of the targets; of two columns or more.
        similarity: the share of similarity, in [0, 1].
    """

    def __init__(self, features: Features, encoder: TargetEncoder, *, similarity: float = 0.99) -> None:
        super().__init__()
        if not 0 <= similarity <= 1:
            raise ValueError(f"similarity must be in [0, 1], got {similarity}")
        self.share = similarity
        self.prediction, self.similarity = Prediction(features, encoder), Similarity(features, encoder)

    def prepare(self, inputs: Tensor, targets: Columns) -> tuple[Columns, Tensor]:
        """The targets, and S(Y)."""
        return self.similarity.prepare(inputs, targets)

    def layers_on(self, features: Features) -> list[Tensor]:
        return self.prediction.layers_on(features) + self.similarity.layers_on(features)

    def forward(self, features: Features, shared: tuple[Columns, Tensor]) -> Loss:
        return torch.lerp(self.prediction(features, shared[0]), self.similarity(features, shared), self.share)
