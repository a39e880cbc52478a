"""The settings of every method that wraps an optimiser, written once: for agents in environments and on streams alike.

A new method is one class here and one word in `METHODS`: `ppo_<word>`, `sgd_<word>` and `adam_<word>` then exist,
unless a file of that name says something more particular.
"""

from __future__ import annotations

from agents.methods.anchors import ElasticWeightConsolidation, L2Transfer
from agents.methods.changes import FIRE, AdamRel, OptimizerReset, ShrinkPerturbAtChange
from agents.methods.losses import FeatureNorm
from agents.methods.settings import MethodSettings
from agents.methods.units import (
    CalibratedPartialResets,
    ContinualBackprop,
    ContinualBackpropOnStreams,
    ReDo,
    ReGraMa,
    SelfNormalizedResets,
)
from agents.methods.weights import (
    TRAC,
    UPGD,
    DecoupledIsometry,
    HareAndTortoise,
    L2Init,
    NormalizeAndProject,
    Parseval,
    SelectiveWeightReinitialization,
    ShrinkPerturb,
    SpectralRegularization,
    WassersteinInit,
    WeightClipping,
)

METHODS: dict[str, type[MethodSettings]] = {
    "adam_rel": AdamRel,
    "cpr": CalibratedPartialResets,
    "feature_norm": FeatureNorm,
    "fire": FIRE,
    "hare_and_tortoise": HareAndTortoise,
    "isometry": DecoupledIsometry,
    "l2_init": L2Init,
    "nap": NormalizeAndProject,
    "optimizer_reset": OptimizerReset,
    "parseval": Parseval,
    "redo": ReDo,
    "regrama": ReGraMa,
    "shrink_perturb": ShrinkPerturb,
    "shrink_perturb_at_change": ShrinkPerturbAtChange,
    "snr": SelfNormalizedResets,
    "spectral_regularization": SpectralRegularization,
    "swr": SelectiveWeightReinitialization,
    "trac": TRAC,
    "upgd": UPGD,
    "wasserstein_init": WassersteinInit,
    "weight_clipping": WeightClipping,
}
"""The methods that any agent can have, by the word that follows its name. Those that must be told when a task is over
(elastic weight consolidation, L2 transfer) have agents of their own, as continual backpropagation has."""

__all__ = [
    "FIRE",
    "METHODS",
    "TRAC",
    "UPGD",
    "AdamRel",
    "CalibratedPartialResets",
    "ContinualBackprop",
    "ContinualBackpropOnStreams",
    "DecoupledIsometry",
    "ElasticWeightConsolidation",
    "FeatureNorm",
    "HareAndTortoise",
    "L2Init",
    "L2Transfer",
    "MethodSettings",
    "NormalizeAndProject",
    "OptimizerReset",
    "Parseval",
    "ReDo",
    "ReGraMa",
    "SelectiveWeightReinitialization",
    "SelfNormalizedResets",
    "ShrinkPerturb",
    "ShrinkPerturbAtChange",
    "SpectralRegularization",
    "WassersteinInit",
    "WeightClipping",
]
