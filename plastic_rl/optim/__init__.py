"""Methods that wrap an optimiser."""

from plastic_rl.optim.adam import Adam, AdamW
from plastic_rl.optim.adam_rel import AdamRel
from plastic_rl.optim.anchoring import Anchoring
from plastic_rl.optim.base import Plasticity, PlasticOptimizer, innermost, methods_in
from plastic_rl.optim.churn import ChurnReduction
from plastic_rl.optim.continual_backprop import ContinualBackprop
from plastic_rl.optim.cpr import CalibratedPartialResets
from plastic_rl.optim.events import UnitForecast, UnitsReplaced
from plastic_rl.optim.ewc import ElasticWeightConsolidation
from plastic_rl.optim.feature_norm import FeatureNorm
from plastic_rl.optim.fire import FIRE
from plastic_rl.optim.hare_and_tortoise import HareAndTortoise
from plastic_rl.optim.infer import InFeR
from plastic_rl.optim.isometry import Isometry
from plastic_rl.optim.l2_init import L2Init
from plastic_rl.optim.l2_transfer import L2Transfer
from plastic_rl.optim.layer_reset import LayerReset
from plastic_rl.optim.metaoptimize import MetaOptimize
from plastic_rl.optim.normalize_and_project import NormalizeAndProject
from plastic_rl.optim.optimizer_reset import OptimizerReset
from plastic_rl.optim.pfo import ProximalFeatures
from plastic_rl.optim.plasticity_injection import PlasticityInjection
from plastic_rl.optim.redo import ReDo
from plastic_rl.optim.regrama import ReGraMa
from plastic_rl.optim.shrink_perturb import ShrinkPerturb
from plastic_rl.optim.shrink_perturb_at_change import ShrinkPerturbAtChange
from plastic_rl.optim.snr import SelfNormalizedResets
from plastic_rl.optim.spectral_regularization import SpectralRegularization
from plastic_rl.optim.spread_reset import SpreadReset
from plastic_rl.optim.stack import Stack, seeded, wrapped
from plastic_rl.optim.swr import SelectiveWeightReinitialization
from plastic_rl.optim.trac import TRAC
from plastic_rl.optim.unit_clock import UnitClock
from plastic_rl.optim.unit_replacer import NothingToReplaceError, UnitReplacer
from plastic_rl.optim.upgd import UPGD
from plastic_rl.optim.wasserstein_init import WassersteinInit
from plastic_rl.optim.watching import unwatched
from plastic_rl.optim.weight_clipping import WeightClipping

__all__ = [
    "FIRE",
    "TRAC",
    "UPGD",
    "Adam",
    "AdamRel",
    "AdamW",
    "Anchoring",
    "CalibratedPartialResets",
    "ChurnReduction",
    "ContinualBackprop",
    "ElasticWeightConsolidation",
    "FeatureNorm",
    "HareAndTortoise",
    "InFeR",
    "Isometry",
    "L2Init",
    "L2Transfer",
    "LayerReset",
    "MetaOptimize",
    "NormalizeAndProject",
    "NothingToReplaceError",
    "OptimizerReset",
    "PlasticOptimizer",
    "Plasticity",
    "PlasticityInjection",
    "ProximalFeatures",
    "ReDo",
    "ReGraMa",
    "SelectiveWeightReinitialization",
    "SelfNormalizedResets",
    "ShrinkPerturb",
    "ShrinkPerturbAtChange",
    "SpectralRegularization",
    "SpreadReset",
    "Stack",
    "UnitClock",
    "UnitForecast",
    "UnitReplacer",
    "UnitsReplaced",
    "WassersteinInit",
    "WeightClipping",
    "innermost",
    "methods_in",
    "seeded",
    "unwatched",
    "wrapped",
]
