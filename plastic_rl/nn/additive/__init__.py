"""Additive parameter decomposition (APD): shared weights, and what each task has of its own."""

from plastic_rl.choices import Centre, Form
from plastic_rl.nn.additive.capacity import Capacity
from plastic_rl.nn.additive.decomposition import AdditiveDecomposition
from plastic_rl.nn.additive.optimizer import AdditiveOptimizer
from plastic_rl.nn.additive.settings import DecompositionSettings
from plastic_rl.nn.additive.task_names import TaskName
from plastic_rl.nn.additive.visit import Visit

__all__ = [
    "AdditiveDecomposition",
    "AdditiveOptimizer",
    "Capacity",
    "Centre",
    "DecompositionSettings",
    "Form",
    "TaskName",
    "Visit",
]
