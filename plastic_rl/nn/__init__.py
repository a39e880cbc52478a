"""Methods that wrap a network: the HSIC bottleneck and its regulariser, additive parameter decomposition.

The mathematics of HSIC is here as functions of tensors: kernels, criteria and the ridge score. Objectives and readouts
of local training are in :mod:`plastic_rl.nn.local`, the parts of a decomposition in :mod:`plastic_rl.nn.additive`.
"""

from plastic_rl.nn.additive import AdditiveDecomposition, AdditiveOptimizer
from plastic_rl.nn.hsic import (
    hsic,
    linear_cka,
    linear_hsic,
    normalized_hsic,
    plausible_hsic,
    random_fourier_hsic,
    whitened,
    whitened_trace,
)
from plastic_rl.nn.hsic_regularizer import HSICRegularizer, carry_loss
from plastic_rl.nn.kernels import (
    centered,
    cosine_kernel,
    draw_frequencies,
    gaussian_kernel,
    random_fourier_features,
    squared_distances,
)
from plastic_rl.nn.local import (
    CombinedTrunks,
    DivisiveNorm,
    Joint,
    LocalHSIC,
    OneHot,
    Standardized,
    TargetEncoder,
    find_blocks,
)
from plastic_rl.nn.moments import Fading, RunningMoments
from plastic_rl.nn.ridge import ridge_score, ridge_weights

__all__ = [
    "AdditiveDecomposition",
    "AdditiveOptimizer",
    "CombinedTrunks",
    "DivisiveNorm",
    "Fading",
    "HSICRegularizer",
    "Joint",
    "LocalHSIC",
    "OneHot",
    "RunningMoments",
    "Standardized",
    "TargetEncoder",
    "carry_loss",
    "centered",
    "cosine_kernel",
    "draw_frequencies",
    "find_blocks",
    "gaussian_kernel",
    "hsic",
    "linear_cka",
    "linear_hsic",
    "normalized_hsic",
    "plausible_hsic",
    "random_fourier_features",
    "random_fourier_hsic",
    "ridge_score",
    "ridge_weights",
    "squared_distances",
    "whitened",
    "whitened_trace",
]
