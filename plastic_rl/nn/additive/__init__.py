"""Additive parameter decomposition (APD): shared weights, and what each task has of its own."""

from plastic_rl.nn.additive.capacity import Capacity as Capacity
from plastic_rl.nn.additive.decomposition import AdditiveDecomposition as AdditiveDecomposition
