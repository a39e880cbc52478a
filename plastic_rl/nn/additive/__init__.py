"""Additive parameter decomposition (APD): shared weights, and what each task has of its own."""

from plastic_rl.nn.additive.capacity import Capacity
from plastic_rl.nn.additive.clusters import Centre
from plastic_rl.nn.additive.decomposition import AdditiveDecomposition
from plastic_rl.nn.additive.settings import DecompositionSettings, Form
from plastic_rl.nn.additive.task_names import TaskName
from plastic_rl.nn.additive.visit import Visit

__all__ = [
    "AdditiveDecomposition",
    "Capacity",
    "Centre",
    "DecompositionSettings",
    "Form",
    "TaskName",
    "Visit",
]
