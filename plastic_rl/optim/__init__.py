"""Methods that wrap an optimiser."""

from plastic_rl.optim.adam import Adam as Adam
from plastic_rl.optim.adam import AdamW as AdamW
from plastic_rl.optim.additive import AdditiveOptimizer as AdditiveOptimizer
from plastic_rl.optim.base import PlasticOptimizer as PlasticOptimizer
from plastic_rl.optim.continual_backprop import ContinualBackprop as ContinualBackprop
from plastic_rl.optim.ewc import ElasticWeightConsolidation as ElasticWeightConsolidation
from plastic_rl.optim.l2_transfer import L2Transfer as L2Transfer
from plastic_rl.optim.shrink_perturb import ShrinkPerturb as ShrinkPerturb
