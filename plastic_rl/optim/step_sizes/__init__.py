"""Optimisers that learn a step size for each weight."""

from plastic_rl.optim.step_sizes.autostep import Autostep, AutostepRule
from plastic_rl.optim.step_sizes.idbd import IDBD, IDBDRule
from plastic_rl.optim.step_sizes.k1 import K1, K1Rule
from plastic_rl.optim.step_sizes.optimizer import SlopeOptimizer
from plastic_rl.optim.step_sizes.rule import Memory, Rule

__all__ = ["IDBD", "K1", "Autostep", "AutostepRule", "IDBDRule", "K1Rule", "Memory", "Rule", "SlopeOptimizer"]
