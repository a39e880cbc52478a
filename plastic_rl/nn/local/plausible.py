"""The plausible form of HSIC, and what its authors found it to need to scale: grouping and divisive normalisation.

Pogodin, Latham, "Kernelized information bottleneck leads to biologically plausible 3-factor Hebbian learning in deep
networks", NeurIPS 2020.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from plastic_rl.nn.hsic import plausible_hsic
from plastic_rl.nn.kernels import cosine_kernel, gaussian_kernel
from plastic_rl.nn.local.objectives import Features, Loss, Objective
from plastic_rl.nn.local.targets import Columns, TargetEncoder
from plastic_rl.precision import in_full_precision


class DivisiveNorm(nn.Module):
    """Centres the units of each group and divides them by a power of the group's variance (Pogodin & Latham 2020).

    Stands at the beginning of a block, so that the loss of the block before sees what was not yet normalised.

    Args:
        groups: how many groups the units (channels, for images) are split into, in order.
        power: of the variance; 0.5 leaves unit variance.
        smoothing: δ; the variance of n units is (δ + Σ (x - mean)²) / n.
    """

    def __init__(self, groups: int, *, power: float = 0.5, smoothing: float = 1.0) -> None:
        super().__init__()
        self.groups, self.power, self.smoothing = groups, power, smoothing

    def forward(self, x: Float[Tensor, "samples ..."]) -> Float[Tensor, "samples ..."]:
        """The normalised features, of the same shape."""
        centred, variance = grouped(x, self.groups, self.smoothing)
        return (centred / variance[:, :, None] ** self.power).view_as(x).to(x.dtype)


@in_full_precision
def grouped(
    x: Float[Tensor, "samples ..."], groups: int, smoothing: float
) -> tuple[Float[Tensor, "samples groups units"], Float[Tensor, "samples groups"]]:
    """The features of each group less their mean, and the smoothed variance of each group.

    Raises:
        ValueError: where the features cannot be split into groups of two or more.
    """
    width = x[0].numel()
    if groups < 1 or width % groups or width == groups:
        raise ValueError(f"{width} features cannot be split into {groups} equal groups of two or more")
    centred = x.reshape(len(x), groups, -1)
    centred = centred - centred.mean(-1, keepdim=True)
    return centred, (centred.square().sum(-1) + smoothing) / centred.shape[-1]


class PlausibleHSIC(Objective):
    """pHSIC(Z, Z) - γ pHSIC(Z, Y), whose gradient is a three-factor Hebbian rule (Pogodin & Latham 2020).

    The kernel is of grouped features, var^½ of each group; `DivisiveNorm` belongs at the beginning of the next block.

    Args:
        features: an example of the block's features.
        encoder: of the targets.
        gamma: γ.
        sigma: σ of a Gaussian kernel, scaled by the dimension; 0 takes the cosine kernel.
        groups: how many groups; 0 takes the features as they are.
        smoothing: δ of the variance (:class:`plastic_rl.nn.local.DivisiveNorm`).
    """

    def __init__(
        self,
        features: Features,
        encoder: TargetEncoder,
        *,
        gamma: float = 2.0,
        sigma: float = 0.0,
        groups: int = 0,
        smoothing: float = 1.0,
    ) -> None:
        super().__init__()
        self.gamma, self.sigma, self.groups, self.smoothing = gamma, sigma, groups, smoothing
        if groups:
            grouped(features, groups, smoothing)

    def prepare(self, inputs: Tensor, targets: Columns) -> Tensor:
        """K_Y, linear and centred, so that pHSIC is HSIC for it."""
        centred = targets - targets.mean(0)
        return centred @ centred.T

    def forward(self, features: Features, shared: Tensor) -> Loss:
        kernel = self._kernel(features)
        return plausible_hsic(kernel, kernel) - self.gamma * plausible_hsic(kernel, shared)

    def _kernel(self, features: Features) -> Tensor:
        if self.groups:
            features = grouped(features, self.groups, self.smoothing)[1].sqrt()
        features = features.flatten(1)
        return gaussian_kernel(features, self.sigma) if self.sigma else cosine_kernel(features)
