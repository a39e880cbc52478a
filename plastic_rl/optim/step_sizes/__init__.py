"""Optimisers that learn step sizes, one for each weight, or find the length of a step, from slopes and errors."""

from plastic_rl.optim.step_sizes.autostep import Autostep, AutostepRule
from plastic_rl.optim.step_sizes.idbd import IDBD, IDBDRule
from plastic_rl.optim.step_sizes.intentional import IntentionalUpdates
from plastic_rl.optim.step_sizes.k1 import K1, K1Rule
from plastic_rl.optim.step_sizes.obgd import ObGD
from plastic_rl.optim.step_sizes.optimizer import SlopeOptimizer
from plastic_rl.optim.step_sizes.rule import Rule, RuleMemory
from plastic_rl.optim.step_sizes.swift_td import SwiftTD
from plastic_rl.optim.step_sizes.tidbd import TIDBD

__all__ = [
    "IDBD",
    "K1",
    "TIDBD",
    "Autostep",
    "AutostepRule",
    "IDBDRule",
    "IntentionalUpdates",
    "K1Rule",
    "ObGD",
    "Rule",
    "RuleMemory",
    "SlopeOptimizer",
    "SwiftTD",
]
