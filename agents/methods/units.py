"""Methods that reset hidden units, a few at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from agents.methods.settings import MethodSettings, Place
from plastic_rl.choices import Activity, GradientOf, Mode, Rounding, Utility
from plastic_rl.settings import Count, Decay, NonNegative, NonNegativeInteger, OneOf, Range, Rate

if TYPE_CHECKING:
    from plastic_rl.optim import Plasticity


@dataclass
class ContinualBackprop(MethodSettings):
    """Continual backpropagation (Dohare et al., Nature 632, 2024, Algorithm 1 and "PPO + CBP")."""

    method: ClassVar[str] = "ContinualBackprop"
    summary: ClassVar[str] = "whose least useful mature units are replaced, a few at a time (Dohare et al. 2024)"
    place: ClassVar[Place] = Place.units
    added_later: ClassVar[Mapping[str, object]] = {"unit_clock": True}

    replacement_rate: Rate = 1e-4  # of the mature units, an update: 1 in 39 updates in a layer of 256
    maturity_threshold: NonNegativeInteger = 10_000  # minibatch updates; at PPO's 160 a rollout, 128,000 steps
    decay_rate: Decay = 0.99  # of the running utility, an update
    utility: Annotated[str, OneOf(tuple(Utility))] = "contribution"
    mode: Annotated[str, OneOf(tuple(Mode))] = "exact"  # when the running average is taken; lazy and instant cost less
    # Of a fractional number of units: carried over (their Algorithm 1), or a draw (their PPO's code).
    rounding: Annotated[str, OneOf(tuple(Rounding))] = "accumulate"
    # False keeps the replaced units' optimiser state, as the authors' PPO does.
    forget_optimizer_state: bool = True
    # False gives newborn units no clock of their own in Adam, but the second moments of those beside them; costs less.
    unit_clock: bool = True


@dataclass
class ContinualBackpropInPPO(ContinualBackprop):
    """The same in a policy whose weights are LeCun-uniform."""

    def plasticity_in(self, agent: Any) -> Plasticity:
        """Return continual backpropagation that draws newborn weights as all others were drawn."""
        from plastic_rl.initialisers import lecun_uniform_, torch_default_

        draw = {"lecun_uniform": lecun_uniform_, "torch": torch_default_}[agent.initialization]
        return partial(super().plasticity(), initialiser=draw)  # pyright: ignore[reportCallIssue]

    def plasticity(self) -> Plasticity:
        return self.plasticity_in(self)


@dataclass
class ContinualBackpropOnStreams(ContinualBackprop):
    """The same with the values of the paper's supervised runs."""

    added_later: ClassVar[Mapping[str, object]] = {"forget_optimizer_state": True}

    maturity_threshold: NonNegativeInteger = 100  # updates
    utility: Annotated[str, OneOf(tuple(Utility))] = "adaptable_contribution"


@dataclass
class ReDo(MethodSettings):
    """Recycling dormant neurons (Sokar et al., ICML 2023, Algorithm 1, Appendix A)."""

    method: ClassVar[str] = "ReDo"
    summary: ClassVar[str] = "whose dormant units are replaced every so many updates (Sokar et al. 2023)"
    place: ClassVar[Place] = Place.units

    threshold: NonNegative = 0.025  # τ, of the layer's mean activity; 0.1 at high replay ratios
    every: NonNegativeInteger = 1000  # updates between two looks; 0 never looks
    # E|h| is the paper's; with "deviation", E|h - E h|, saturated units are dormant too.
    activity: Annotated[str, OneOf(tuple(Activity))] = "magnitude"
    forget_optimizer_state: bool = True


@dataclass
class ReGraMa(MethodSettings):
    """Resets by gradients (Liu et al., NeurIPS 2025, Appendix A; 0 is their threshold for SAC's perceptrons)."""

    method: ClassVar[str] = "ReGraMa"
    summary: ClassVar[str] = "whose units without gradients are replaced every so many updates (Liu et al. 2025)"
    place: ClassVar[Place] = Place.units

    threshold: NonNegative = 0.01  # τ, of the layer's mean gradient
    every: NonNegativeInteger = 1000  # updates between two looks; 0 never looks
    gradient_of: Annotated[str, OneOf(tuple(GradientOf))] = "weights"  # as in their code; in print, of activations
    forget_optimizer_state: bool = True


@dataclass
class CalibratedPartialResets(MethodSettings):
    """Calibrated partial resets (McCutcheon et al. 2026; the values of their released configurations)."""

    method: ClassVar[str] = "CalibratedPartialResets"
    summary: ClassVar[str] = "whose units are reset in part, by how little they learn (McCutcheon et al. 2026)"
    place: ClassVar[Place] = Place.units

    replacement_rate: Rate = 0.015  # ρ, the largest share of a unit that is reset at once
    every: NonNegativeInteger = 1000  # updates between two resets; 0 never resets
    sharpness: NonNegative = 16.0  # k, how fast the share falls beyond the threshold
    threshold: NonNegative = 1.0  # of a utility whose mean over a layer is 1
    decay_rate: Decay = 0.99  # η of the utility, an update


@dataclass
class SelfNormalizedResets(MethodSettings):
    """Self-normalised resets (Farias & Jozefiak, ICLR 2025; 20,000 samples in minibatches of 100 are 200 updates)."""

    method: ClassVar[str] = "SelfNormalizedResets"
    summary: ClassVar[str] = "whose units are replaced when silent for longer than ever (Farias & Jozefiak 2025)"
    place: ClassVar[Place] = Place.units

    rejection_threshold: Rate = 0.05  # η, of a unit's silences; ours, within the paper's grid
    max_threshold: Count = 200  # updates; the threshold that units begin with
    recalibrate_every: Count = 1600  # updates; ours: the released code does it every 16 tasks
    expansion: Annotated[float, Range(1)] = 2.0  # of a threshold that does not contract
    every: NonNegativeInteger = 1  # updates between two tests, each of which asks the device once; 0 never tests
    forget_optimizer_state: bool = True
