"""Methods that wrap an optimiser."""

from plastic_rl.optim.adam import Adam, AdamW
from plastic_rl.optim.additive import AdditiveOptimizer
from plastic_rl.optim.base import PlasticOptimizer
from plastic_rl.optim.continual_backprop import ContinualBackprop
from plastic_rl.optim.ewc import ElasticWeightConsolidation
from plastic_rl.optim.l2_transfer import L2Transfer
from plastic_rl.optim.shrink_perturb import ShrinkPerturb

__all__ = [
    "Adam",
    "AdamW",
    "AdditiveOptimizer",
    "ContinualBackprop",
    "ElasticWeightConsolidation",
    "L2Transfer",
    "PlasticOptimizer",
    "ShrinkPerturb",
]
