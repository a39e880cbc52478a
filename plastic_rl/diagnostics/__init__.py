"""Read-only measures of whether a network can still learn: layers and a batch in, numbers out."""

from plastic_rl.diagnostics.curvature import kernel_ranks, largest_eigenvalue, tangent_kernel
from plastic_rl.diagnostics.flatness import Flatness, flatness, is_flat
from plastic_rl.diagnostics.gradients import cosine, gradient_norm, zero_share
from plastic_rl.diagnostics.kinds import Kind, activation_kinds
from plastic_rl.diagnostics.newborn import newborn_gradients
from plastic_rl.diagnostics.policies import (
    categorical_entropy,
    categorical_kl,
    changed_share,
    clip_share,
    feature_change,
    feature_shift,
    gaussian_kl,
    logit_range,
    probability_churn,
    ratios,
    value_churn,
)
from plastic_rl.diagnostics.rank import effective_rank, numerical_rank, pca_rank, singular_values, srank, stable_rank
from plastic_rl.diagnostics.report import activations, report
from plastic_rl.diagnostics.units import (
    dead,
    dormancy_score,
    dormant,
    duplicate,
    linearised,
    rarely_active,
    saturated,
)
from plastic_rl.diagnostics.weights import distance, effective_learning_rate, mean_magnitude, norm

__all__ = [
    "Flatness",
    "Kind",
    "activation_kinds",
    "activations",
    "categorical_entropy",
    "categorical_kl",
    "changed_share",
    "clip_share",
    "cosine",
    "dead",
    "distance",
    "dormancy_score",
    "dormant",
    "duplicate",
    "effective_learning_rate",
    "effective_rank",
    "feature_change",
    "feature_shift",
    "flatness",
    "gaussian_kl",
    "gradient_norm",
    "is_flat",
    "kernel_ranks",
    "largest_eigenvalue",
    "linearised",
    "logit_range",
    "mean_magnitude",
    "newborn_gradients",
    "norm",
    "numerical_rank",
    "pca_rank",
    "probability_churn",
    "rarely_active",
    "ratios",
    "report",
    "saturated",
    "singular_values",
    "srank",
    "stable_rank",
    "tangent_kernel",
    "value_churn",
    "zero_share",
]
