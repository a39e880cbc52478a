"""Read-only measures of whether a network can still learn: layers and a batch in, numbers out."""

from plastic_rl.diagnostics.flatness import Flatness, flatness, is_flat
from plastic_rl.diagnostics.newborn import newborn_gradients
from plastic_rl.diagnostics.rank import effective_rank, pca_rank, singular_values, srank, stable_rank
from plastic_rl.diagnostics.report import activations, report
from plastic_rl.diagnostics.units import dead, dormancy_score, dormant
from plastic_rl.diagnostics.weights import mean_magnitude

__all__ = [
    "Flatness",
    "activations",
    "dead",
    "dormancy_score",
    "dormant",
    "effective_rank",
    "flatness",
    "is_flat",
    "mean_magnitude",
    "newborn_gradients",
    "pca_rank",
    "report",
    "singular_values",
    "srank",
    "stable_rank",
]
