"""Methods that wrap an optimiser."""

from plastic_rl.optim.adam import Adam as Adam
from plastic_rl.optim.adam import AdamW as AdamW
from plastic_rl.optim.base import PlasticOptimizer as PlasticOptimizer
from plastic_rl.optim.continual_backprop import ContinualBackprop as ContinualBackprop
