"""Additive parameter decomposition (APD): shared weights, and what each task has of its own."""

from plastic_rl.nn.additive.capacity import Capacity
from plastic_rl.nn.additive.decomposition import AdditiveDecomposition
from plastic_rl.nn.additive.optimizer import AdditiveOptimizer

__all__ = [
    "AdditiveDecomposition",
    "AdditiveOptimizer",
    "Capacity",
]
