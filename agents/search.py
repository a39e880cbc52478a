"""Search spaces: where `python -m experiments.tune` looks for better values of an agent's settings.

Ranges are an order of magnitude or two around the papers' values; a recipe's own value, or an environment's, always
belongs to them. Sizes of networks, and what makes an agent what it is, are not searched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from agents.a2c import A2C
from agents.acting import RolloutAgent
from agents.adam import Adam
from agents.dqn import DQN
from agents.dynamic import Dynamic
from agents.hsic import HSIC
from agents.methods import (
    AID,
    TRAC,
    UPGD,
    CalibratedPartialResets,
    ChurnReduction,
    ContinualBackprop,
    DecoupledIsometry,
    Dropout,
    ElasticWeightConsolidation,
    FeatureNorm,
    HareAndTortoise,
    InFeR,
    L2Init,
    L2Transfer,
    LeakyReLU,
    MetaOptimize,
    Parseval,
    PReLU,
    ProximalFeatures,
    ReDo,
    ReGraMa,
    SelectiveWeightReinitialization,
    SelfNormalizedResets,
    ShrinkPerturb,
    ShrinkPerturbAtChange,
    SmoothLeakyReLU,
    SpectralRegularization,
    WassersteinInit,
    WeightClipping,
)
from agents.ppo import PPO
from agents.recipe import Agent
from agents.replay import ReplayAgent
from agents.sac import SAC
from agents.sgd import SGD
from agents.step_sizes import StepSizeAgent
from agents.stream_ac import StreamAC
from agents.td3 import TD3
from agents.together import parts_of


@dataclass(frozen=True)
class Between:
    """Numbers of a range; whole ones where its ends are.

    Args:
        low: The least.
        high: The greatest.
        log: Each order of magnitude has the same share; else each number.
    """

    low: float
    high: float
    log: bool = True

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def having(self, value: float) -> Between | Among:
        """Return the range with a value in it; where that is zero, which has no logarithm, it and some of the range."""
        if value in self:
            return self
        if self.log and value <= 0:
            steps = (self.low * (self.high / self.low) ** (step / 4) for step in range(5))
            return Among((value, *(float(f"{step:.1g}") for step in steps)))
        return replace(self, low=min(self.low, value), high=max(self.high, value))


@dataclass(frozen=True)
class Among:
    """Some values.

    Args:
        options: All of them.
    """

    options: tuple[float, ...]

    def __contains__(self, value: float) -> bool:
        return value in self.options

    def having(self, value: float) -> Among:
        """Return the values with one more, unless it is there."""
        return self if value in self else Among((*self.options, value))


Space = Between | Among

_RATE = Between(1e-5, 3e-3)
_STRENGTH = Between(1e-5, 1e-1)
_EVERY = Between(100, 10_000)
_NONE_OR = (0.0, 1e-5, 1e-4, 1e-3, 1e-2)

SPACES: Mapping[type, Mapping[str, Space]] = {
    # Agents; what one has from another it need not say again.
    RolloutAgent: {"learning_rate": _RATE, "entropy_coefficient": Among((0.0, 1e-3, 3e-3, 1e-2, 3e-2))},
    PPO: {"epochs": Among((4, 10, 20)), "weight_decay": Among(_NONE_OR)},
    A2C: {"gae_lambda": Among((0.9, 0.95, 1.0))},
    ReplayAgent: {"learning_rate": _RATE},
    SAC: {"tau": Between(1e-3, 5e-2)},
    TD3: {"tau": Between(1e-3, 5e-2), "exploration_noise": Between(0.02, 0.5)},
    DQN: {"target_every": Between(50, 5_000), "exploration_last": Between(0.01, 0.3)},
    StreamAC: {"trace_decay": Among((0.0, 0.5, 0.8, 0.9, 0.95))},
    SGD: {"learning_rate": Between(1e-4, 3e-1), "weight_decay": Among(_NONE_OR)},
    Adam: {"learning_rate": Between(1e-5, 1e-2), "weight_decay": Among(_NONE_OR)},
    HSIC: {"learning_rate": Between(1e-5, 1e-1)},
    StepSizeAgent: {"learning_rate": Between(1e-3, 1.0), "meta_step": Between(1e-4, 1.0)},
    Dynamic: {
        "learning_rate": Between(5e-4, 5e-2),
        "meta_rate": Between(1e-2, 1.0),
        "renewal_rate": Between(1e-4, 1e-2),
    },
    # Methods, for all agents that have them.
    AID: {"probability": Between(0.8, 0.999, log=False)},
    CalibratedPartialResets: {"replacement_rate": Between(1e-3, 1e-1), "every": _EVERY},
    ChurnReduction: {"target_scale": Between(5e-3, 5e-1)},
    ContinualBackprop: {"replacement_rate": Between(1e-6, 1e-2), "maturity_threshold": Between(10, 10_000)},
    DecoupledIsometry: {"strength": Between(1e-4, 1.0)},
    Dropout: {"dropout": Between(0.01, 0.5, log=False)},
    ElasticWeightConsolidation: {"strength": Between(1.0, 1e5)},
    FeatureNorm: {"strength": _STRENGTH},
    HareAndTortoise: {"tortoise_momentum": Among((0.99, 0.995, 0.999, 0.9995)), "every": _EVERY},
    InFeR: {"strength": Between(1e-3, 10.0), "beta": Between(1.0, 1000.0)},
    L2Init: {"strength": _STRENGTH},
    L2Transfer: {"strength": Between(1e-4, 1.0)},
    LeakyReLU: {"slope": Between(1e-3, 0.5)},
    MetaOptimize: {"meta_step": Between(1e-5, 1e-1)},
    Parseval: {"strength": _STRENGTH},
    PReLU: {"initial_slope": Between(1e-2, 0.5)},
    ProximalFeatures: {"strength": Between(1e-2, 100.0)},
    ReDo: {"threshold": Between(1e-3, 0.2), "every": _EVERY},
    ReGraMa: {"threshold": Between(1e-3, 0.2), "every": _EVERY},
    SelectiveWeightReinitialization: {"every": Between(200, 20_000), "factor": Between(1e-6, 1e-3)},
    SelfNormalizedResets: {"rejection_threshold": Between(1e-3, 0.2)},
    ShrinkPerturb: {"shrink": Between(1e-7, 1e-4), "noise_std": Between(1e-7, 1e-3)},
    ShrinkPerturbAtChange: {"shrink_by": Between(0.1, 0.9, log=False), "perturb_by": Between(0.1, 0.9, log=False)},
    SmoothLeakyReLU: {"slope": Between(1e-2, 0.5)},
    SpectralRegularization: {"strength": Between(1e-6, 1e-2)},
    TRAC: {"s_prev": Between(1e-9, 1e-3)},
    UPGD: {"sigma": Between(1e-5, 1e-1), "decoupled_weight_decay": _STRENGTH},
    WassersteinInit: {"strength": _STRENGTH},
    WeightClipping: {"kappa": Between(1.0, 10.0)},
}
"""The spaces of settings, by who has them."""


def space_of(agent: Agent) -> dict[str, Space]:
    """Return where better values of an agent's settings may be, by the names that follow `agent.` on the command line.

    Args:
        agent: Its own values belong to the spaces.
    """
    space = _of(agent, type(agent).keeps)
    for word in parts_of(type(agent)):
        space |= {f"{word}.{name}": each for name, each in _of(getattr(agent, word)).items()}
    return space


def _of(owner: object, kept: frozenset[str] = frozenset()) -> dict[str, Space]:
    """The spaces of the settings of an agent or a method, those of its own class before those of its bases."""
    theirs = {setting.name for setting in fields(type(owner))} - kept  # pyright: ignore[reportArgumentType]
    known = {name: each for kind in reversed(type(owner).__mro__) for name, each in SPACES.get(kind, {}).items()}
    return {name: each.having(getattr(owner, name)) for name, each in known.items() if name in theirs}
