"""The one table of all methods that wrap an optimiser: a new one is a new row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.optim import (
    FIRE,
    TRAC,
    UPGD,
    AdamRel,
    Anchoring,
    CalibratedPartialResets,
    ChurnReduction,
    ContinualBackprop,
    ElasticWeightConsolidation,
    FeatureNorm,
    HareAndTortoise,
    InFeR,
    Isometry,
    L2Init,
    L2Transfer,
    LayerReset,
    MetaOptimize,
    NormalizeAndProject,
    OptimizerReset,
    Plasticity,
    PlasticityInjection,
    PlasticOptimizer,
    ProximalFeatures,
    ReDo,
    ReGraMa,
    SelectiveWeightReinitialization,
    SelfNormalizedResets,
    ShrinkPerturb,
    ShrinkPerturbAtChange,
    SpectralRegularization,
    WassersteinInit,
    WeightClipping,
    methods_in,
)

Begin = Callable[[Optimizer], None]


def nothing(optimizer: Optimizer) -> None:
    """The beginning of methods that act from their first step on."""


def announce(optimizer: Optimizer) -> None:
    """Tells the methods of a stack that a task begins."""
    assert isinstance(optimizer, PlasticOptimizer)
    optimizer.begin_task()


def consolidate(optimizer: Optimizer) -> None:
    """Tells methods that remember tasks that one is over."""
    for method in methods_in(optimizer):
        if isinstance(method, Anchoring):
            method.consolidate(squares(method.trained))


def squares(parameters: list[Tensor]) -> Iterator[Tensor]:
    """One example, whose loss is as steep in every direction as the weight is large."""
    with torch.enable_grad():
        yield torch.stack([parameter.square().sum() for parameter in parameters]).sum()


@dataclass(frozen=True)
class Method:
    """One method.

    Args:
        on: the method, so that it acts within a few updates.
        off: the same, its rate at zero.
        replaces: whether it replaces hidden units.
        begin: what has to happen to an optimiser before the method acts.
        takes_turns: whether several seeds learn in turn with it, which is bit for bit what each does alone.
        refused_in: the hosts and networks that refuse it, by name, each with the reason that it gives.
    """

    on: Plasticity
    off: Plasticity
    replaces: bool = False
    begin: Begin = nothing
    takes_turns: bool = False
    refused_in: Mapping[str, str] = field(default_factory=dict)


# Where no gradient comes back to which a term of the loss could be added.
local = {"LocalHSIC": "local losses take units in detached.*use this method with backpropagation"}

often = partial(ContinualBackprop, replacement_rate=0.1, maturity_threshold=2)
never = partial(ContinualBackprop, replacement_rate=0.0, maturity_threshold=2)

METHODS = {
    "continual backprop": Method(often, never, replaces=True),
    "continual backprop, lazy": Method(partial(often, mode="lazy"), partial(never, mode="lazy"), replaces=True),
    "continual backprop, instant": Method(
        partial(often, mode="instant", utility="adaptable_contribution", move_mean_to_bias=True),
        partial(never, mode="instant", utility="adaptable_contribution", move_mean_to_bias=True),
        replaces=True,
    ),
    "calibrated partial resets": Method(
        partial(CalibratedPartialResets, replacement_rate=0.5, every=2, decay_rate=0.5),
        partial(CalibratedPartialResets, replacement_rate=0.0, every=2),
    ),
    "churn reduction": Method(
        partial(ChurnReduction, target_scale=0.5), partial(ChurnReduction, target_scale=0.0), refused_in=local
    ),
    "ReDo": Method(partial(ReDo, threshold=0.8, every=2), partial(ReDo, threshold=0.8, every=0), replaces=True),
    "ReDo by deviation": Method(
        partial(ReDo, threshold=0.8, every=2, activity="deviation"), partial(ReDo, every=0), replaces=True
    ),
    "ReGraMa": Method(partial(ReGraMa, threshold=0.8, every=2), partial(ReGraMa, every=0), replaces=True),
    "selective weight reinitialisation": Method(
        partial(SelectiveWeightReinitialization, every=2, factor=0.1), partial(SelectiveWeightReinitialization, every=0)
    ),
    "selective weight reinitialisation, proportional": Method(
        partial(SelectiveWeightReinitialization, every=2, factor=0.01, utility="magnitude", pruning="proportional"),
        partial(SelectiveWeightReinitialization, every=0, pruning="proportional"),
    ),
    "self-normalised resets": Method(
        partial(SelfNormalizedResets, max_threshold=1, recalibrate_every=4),
        partial(SelfNormalizedResets, max_threshold=1, every=0),
        replaces=True,
    ),
    "shrink and perturb": Method(
        partial(ShrinkPerturb, shrink=1e-3, noise_std=1e-3), partial(ShrinkPerturb, noise_std=0.0)
    ),
    "shrink and perturb at a change": Method(
        partial(ShrinkPerturbAtChange, every=5), partial(ShrinkPerturbAtChange, on_change=False), begin=announce
    ),
    "elastic weight consolidation": Method(
        partial(ElasticWeightConsolidation, strength=1.0),
        partial(ElasticWeightConsolidation, strength=0.0),
        begin=consolidate,
    ),
    "L2 init": Method(partial(L2Init, strength=0.1), partial(L2Init, strength=0.0)),
    "Adam-Rel": Method(partial(AdamRel, every=4), partial(AdamRel, on_rollout=False, on_change=False)),
    "feature norm": Method(partial(FeatureNorm, strength=0.1), partial(FeatureNorm, strength=0.0), refused_in=local),
    "proximal features": Method(
        partial(ProximalFeatures, copy_every=5), partial(ProximalFeatures, strength=0.0, copy_every=5), refused_in=local
    ),
    "proximal features, all layers": Method(
        partial(ProximalFeatures, copy_every=5, every_layer=True),
        partial(ProximalFeatures, strength=0.0, every_layer=True),
        refused_in=local,
    ),
    "InFeR": Method(partial(InFeR, heads=3), partial(InFeR, strength=0.0), refused_in=local),
    "FIRE": Method(partial(FIRE, every=5), partial(FIRE, on_change=False), begin=announce),
    "last layers drawn afresh": Method(
        partial(LayerReset, last=2, every=5), partial(LayerReset, last=2, on_change=False), begin=announce
    ),
    "all layers drawn afresh": Method(
        partial(LayerReset, last=0, every=5), partial(LayerReset, last=0, on_change=False), begin=announce
    ),
    "hare and tortoise": Method(
        partial(HareAndTortoise, tortoise_momentum=0.9, every=3),
        partial(HareAndTortoise, tortoise_momentum=0.9, every=0),
    ),
    "NaP": Method(NormalizeAndProject, partial(NormalizeAndProject, every=0)),
    "optimiser reset": Method(
        partial(OptimizerReset, every=4), partial(OptimizerReset, on_change=False), begin=announce
    ),
    "Parseval": Method(partial(Isometry, strength=0.01), partial(Isometry, strength=0.0)),
    "plasticity injection": Method(
        partial(PlasticityInjection, on_change=False, after=2),
        partial(PlasticityInjection, on_change=False),
        begin=announce,
        takes_turns=True,
        refused_in={
            "SAC": "`critic_target`",
            "LocalHSIC": "`readout.linear` reads units from inside and from outside",
            "residual LayerNorm net": "`out` reads units from inside and from outside",
        },
    ),
    "isometry": Method(
        partial(Isometry, strength=0.1, decoupled=True, reference_width=0),
        partial(Isometry, strength=0.0, decoupled=True, reference_width=0),
    ),
    "spectral regularisation": Method(
        partial(SpectralRegularization, strength=0.1), partial(SpectralRegularization, strength=0.0)
    ),
    "MetaOptimize": Method(partial(MetaOptimize, meta_step=0.1), partial(MetaOptimize, meta_step=0.0)),
    "TRAC": Method(TRAC, partial(TRAC, tuners=0)),
    "UPGD": Method(UPGD, partial(UPGD, protecting=False, sigma=0.0, decoupled_weight_decay=0.0)),
    "Wasserstein init": Method(partial(WassersteinInit, strength=0.1), partial(WassersteinInit, strength=0.0)),
    "weight clipping": Method(partial(WeightClipping, kappa=0.5), partial(WeightClipping, kappa=math.inf)),
    "L2 transfer": Method(partial(L2Transfer, strength=0.1), partial(L2Transfer, strength=0.0), begin=consolidate),
}
