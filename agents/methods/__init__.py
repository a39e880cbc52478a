"""The settings of every method and of every network, written once: for agents in environments and on streams alike.

A new method is one class here and one word in `METHODS`: `ppo_<word>`, `sgd_<word>` and `adam_<word>` then exist,
unless a file of that name says something more particular.
"""

from __future__ import annotations

from itertools import combinations

from agents.methods.anchors import ElasticWeightConsolidation, L2Transfer
from agents.methods.changes import (
    FIRE,
    AdamRel,
    HeadReset,
    NetworkReset,
    OptimizerReset,
    PlasticityInjection,
    ShrinkPerturbAtChange,
)
from agents.methods.losses import ChurnReduction, FeatureNorm, InFeR, ProximalFeatures
from agents.methods.networks import (
    AID,
    CReLU,
    Dropout,
    FourierFeatures,
    LayerNorm,
    LeakyReLU,
    PReLU,
    Rational,
    SmoothLeakyReLU,
)
from agents.methods.settings import AddedSettings, MethodSettings, NetworkSettings
from agents.methods.units import (
    CalibratedPartialResets,
    ContinualBackprop,
    ContinualBackpropInPPO,
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

METHODS: dict[str, type[AddedSettings]] = {
    "adam_rel": AdamRel,
    "aid": AID,
    "churn": ChurnReduction,
    "cpr": CalibratedPartialResets,
    "crelu": CReLU,
    "dropout": Dropout,
    "feature_norm": FeatureNorm,
    "fire": FIRE,
    "fourier": FourierFeatures,
    "hare_and_tortoise": HareAndTortoise,
    "infer": InFeR,
    "isometry": DecoupledIsometry,
    "l2_init": L2Init,
    "layer_norm": LayerNorm,
    "leaky_relu": LeakyReLU,
    "nap": NormalizeAndProject,
    "optimizer_reset": OptimizerReset,
    "parseval": Parseval,
    "pfo": ProximalFeatures,
    "plasticity_injection": PlasticityInjection,
    "prelu": PReLU,
    "rational": Rational,
    "redo": ReDo,
    "regrama": ReGraMa,
    "reset_head": HeadReset,
    "reset_network": NetworkReset,
    "shrink_perturb": ShrinkPerturb,
    "shrink_perturb_at_change": ShrinkPerturbAtChange,
    "smooth_leaky_relu": SmoothLeakyReLU,
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

_AT_A_CHANGE = ("fire", "reset_network", "shrink_perturb_at_change")

EXCLUSIVE: dict[frozenset[str], str] = {
    **{frozenset(pair): "as each sets all weights anew at a change" for pair in combinations(_AT_A_CHANGE, 2)},
    frozenset({"reset_head", "reset_network"}): "as the head is a part of the network",
    frozenset({"plasticity_injection", "reset_head"}): "as the one freezes the head that the other draws afresh",
    frozenset({"plasticity_injection", "reset_network"}): "as the one freezes the head that the other draws afresh",
    **{
        frozenset({"plasticity_injection", word}): "as two equal heads do not say the same under masks"
        for word in ("aid", "dropout")
    },
    **{
        frozenset({"plasticity_injection", word}): "as what the non-linearity learns would move the frozen heads too"
        for word in ("prelu", "rational")
    },
    frozenset({"isometry", "parseval"}): "as both draw the same weights to orthogonality, to different scales",
    frozenset({"nap", "weight_clipping"}): "as both say after each step how large the weights are",
}
"""Pairs of methods that no agent may have together, with the reason; :mod:`agents.together` refuses them."""

__all__ = [
    "AID",
    "EXCLUSIVE",
    "FIRE",
    "METHODS",
    "TRAC",
    "UPGD",
    "AdamRel",
    "AddedSettings",
    "CReLU",
    "CalibratedPartialResets",
    "ChurnReduction",
    "ContinualBackprop",
    "ContinualBackpropInPPO",
    "ContinualBackpropOnStreams",
    "DecoupledIsometry",
    "Dropout",
    "ElasticWeightConsolidation",
    "FeatureNorm",
    "FourierFeatures",
    "HareAndTortoise",
    "HeadReset",
    "InFeR",
    "L2Init",
    "L2Transfer",
    "LayerNorm",
    "LeakyReLU",
    "MethodSettings",
    "NetworkReset",
    "NetworkSettings",
    "NormalizeAndProject",
    "OptimizerReset",
    "PReLU",
    "Parseval",
    "PlasticityInjection",
    "ProximalFeatures",
    "Rational",
    "ReDo",
    "ReGraMa",
    "SelectiveWeightReinitialization",
    "SelfNormalizedResets",
    "ShrinkPerturb",
    "ShrinkPerturbAtChange",
    "SmoothLeakyReLU",
    "SpectralRegularization",
    "WassersteinInit",
    "WeightClipping",
]
