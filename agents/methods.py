"""The settings of every method that wraps an optimiser, written once: for agents in environments and on streams alike.

A new method is one class here and one word in `METHODS`: `ppo_<word>`, `sgd_<word>` and `adam_<word>` then exist,
unless a file of that name says something more particular.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, ClassVar

from agents.recipe import Agent
from plastic_rl.choices import Activity, GradientOf, Mode, Pruning, Redraw, Rounding, Utility, WeightUtility
from plastic_rl.settings import Count, Decay, NonNegative, NonNegativeInteger, OneOf, Positive, Range, Rate

if TYPE_CHECKING:
    from plastic_rl.optim import Plasticity


@dataclass
class MethodSettings(Agent):
    """The settings of a method; an agent that uses it inherits from this, and from the agent that it is without it."""

    method: ClassVar[str]
    """The class of `plastic_rl.optim`; the fields beside it are its settings."""

    summary: ClassVar[str]
    """The end of the sentence that says what an agent with the method is."""

    bases: ClassVar[frozenset[str]] = frozenset()
    """The names of the agents that can have it; none for all."""

    def plasticity(self) -> Plasticity:
        """Return the method, still without its optimiser and layers; who has a seed adds it."""
        declared = next(kind for kind in type(self).__mro__ if "method" in vars(kind))
        settings = {setting.name: getattr(self, setting.name) for setting in fields(declared)}
        return partial(getattr(import_module("plastic_rl.optim"), self.method), **settings)


@dataclass
class ContinualBackprop(MethodSettings):
    """Continual backpropagation (Dohare et al., Nature 632, 2024, Algorithm 1 and "PPO + CBP")."""

    method: ClassVar[str] = "ContinualBackprop"
    summary: ClassVar[str] = "whose least useful mature units are replaced, a few at a time (Dohare et al. 2024)"

    replacement_rate: Rate = 1e-4  # of the mature units, an update: 1 in 39 updates in a layer of 256
    maturity_threshold: NonNegativeInteger = 10_000  # minibatch updates; at PPO's 160 a rollout, 128,000 steps
    decay_rate: Decay = 0.99  # of the running utility, an update
    utility: Annotated[str, OneOf(tuple(Utility))] = "contribution"
    mode: Annotated[str, OneOf(tuple(Mode))] = "exact"  # when the running average is taken; lazy and instant cost less
    # Of a fractional number of units: carried over (their Algorithm 1), or a draw (their PPO's code).
    rounding: Annotated[str, OneOf(tuple(Rounding))] = "accumulate"
    # False keeps the replaced units' optimiser state, as the authors' PPO does.
    forget_optimizer_state: bool = True


@dataclass
class ContinualBackpropOnStreams(ContinualBackprop):
    """The same with the values of the paper's supervised runs."""

    added_later: ClassVar[Mapping[str, object]] = {"forget_optimizer_state": True}

    maturity_threshold: NonNegativeInteger = 100  # updates
    utility: Annotated[str, OneOf(tuple(Utility))] = "adaptable_contribution"


@dataclass
class ShrinkPerturb(MethodSettings):
    """Shrink and perturb at each update (Ash & Adams 2020; "soft", Juliani & Ash 2024, whose values these are)."""

    method: ClassVar[str] = "ShrinkPerturb"
    summary: ClassVar[str] = "whose weights are shrunk and disturbed a little at each update (Ash & Adams 2020)"

    shrink: Rate = 1e-6  # share of each weight and bias that is lost, an update
    noise_std: NonNegative = 1e-6  # of the noise added to each weight and bias, an update


@dataclass
class ShrinkPerturbAtChange(MethodSettings):
    """Shrink and perturb at each change (Ash & Adams 2020; half and half, as in most later comparisons)."""

    method: ClassVar[str] = "ShrinkPerturbAtChange"
    summary: ClassVar[str] = "whose weights are shrunk and disturbed at each change (Ash & Adams 2020)"

    on_change: bool = True  # when a task begins, as the stream or the world announces it
    every: NonNegativeInteger = 0  # updates, or 0: where nobody announces changes
    shrink_by: Rate = 0.5  # share of each weight and bias that is lost
    perturb_by: NonNegative = 0.5  # share of a fresh one that is added


@dataclass
class AdamRel(MethodSettings):
    """Adam with relative timesteps (Ellis et al., NeurIPS 2024)."""

    method: ClassVar[str] = "AdamRel"
    summary: ClassVar[str] = "whose Adam counts its steps anew at each rollout or task (Ellis et al. 2024)"
    bases: ClassVar[frozenset[str]] = frozenset({"ppo", "adam"})

    on_rollout: bool = True  # count anew when the updates on a rollout begin
    on_change: bool = True  # and when a task begins
    every: NonNegativeInteger = 0  # updates, or 0: for hosts that tell of neither


@dataclass
class FIRE(MethodSettings):
    """FIRE (Han et al., ICLR 2026)."""

    method: ClassVar[str] = "FIRE"
    summary: ClassVar[str] = "whose weights become the nearest isometries at each change (FIRE, Han et al. 2026)"

    on_change: bool = True  # when a task begins, as the stream or the world announces it
    every: NonNegativeInteger = 0  # updates, or 0: where nobody announces changes
    iterations: Count = 10  # of Newton and Schulz


@dataclass
class L2Init(MethodSettings):
    """The pull to the initial weights (Kumar et al. 2025; λ of 1e-2 to 1e-5, 1e-3 in most of their runs)."""

    method: ClassVar[str] = "L2Init"
    summary: ClassVar[str] = "that is drawn back to its initial weights, by their squared distance (Kumar et al. 2025)"

    strength: NonNegative = 1e-3  # λ


@dataclass
class WassersteinInit(MethodSettings):
    """The pull to the initial weights' distribution (Lewandowski et al. 2023; λ of 3e-2 to 1e-5 in use)."""

    method: ClassVar[str] = "WassersteinInit"
    summary: ClassVar[str] = "whose weights are drawn back to their first distribution (Lewandowski et al. 2023)"

    strength: NonNegative = 1e-3  # λ, of each squared distance between sorted parameters


@dataclass
class WeightClipping(MethodSettings):
    """Weight clipping (Elsayed et al., RLC 2024; the default of their PPO, 1 to 2 in their supervised runs)."""

    method: ClassVar[str] = "WeightClipping"
    summary: ClassVar[str] = "whose weights are clipped to the range in which layers are drawn (Elsayed et al. 2024)"

    kappa: Positive = 3.0  # κ, the multiple of 1 / √fan_in that no weight exceeds, at each update


@dataclass
class HareAndTortoise(MethodSettings):
    """Hare and tortoise (Lee et al., ICML 2024)."""

    method: ClassVar[str] = "HareAndTortoise"
    summary: ClassVar[str] = "whose weights are now and then set to their slow average (Lee et al. 2024)"

    tortoise_momentum: Rate = 0.999  # of the slow average, an update
    every: NonNegativeInteger = 2000  # updates between two resets: near their 10 epochs of CIFAR-10


@dataclass
class NormalizeAndProject(MethodSettings):
    """The projection of NaP (Lyle et al., NeurIPS 2024); it wants a network with norms before its non-linearities."""

    method: ClassVar[str] = "NormalizeAndProject"
    summary: ClassVar[str] = "whose weights are projected to their initial size (NaP, Lyle et al. 2024)"

    every: NonNegativeInteger = 1  # updates between two projections


@dataclass
class OptimizerReset(MethodSettings):
    """Resets of the optimiser's moments (Asadi et al., NeurIPS 2023)."""

    method: ClassVar[str] = "OptimizerReset"
    summary: ClassVar[str] = "whose optimiser starts over at each change, the weights kept (Asadi et al. 2023)"

    on_change: bool = True  # when a task begins, as the stream or the world announces it
    every: NonNegativeInteger = 0  # updates, or 0: where nobody announces changes


@dataclass
class Parseval(MethodSettings):
    """Parseval regularisation (Chung et al., NeurIPS 2024; 1e-3 in MetaWorld and CARL, 1e-4 elsewhere)."""

    method: ClassVar[str] = "Isometry"
    summary: ClassVar[str] = "whose hidden weights are drawn to orthogonality in the loss (Chung et al. 2024)"

    strength: NonNegative = 1e-3  # λ, in layers of the reference width
    scale: NonNegative = 2.0  # s of W Wᵀ = s I: the square of the gain √2 of their initial weights
    decoupled: bool = False  # in the loss
    reference_width: NonNegativeInteger = 64  # λ times (64 / width)²; 0 for λ as it is


@dataclass
class DecoupledIsometry(Parseval):
    """AdamO around Adam (Rosseau et al., ICML 2026); its λ was not to be had: this one is AdamW's of weight decay."""

    method: ClassVar[str] = "Isometry"
    summary: ClassVar[str] = "whose hidden weights are drawn to isometry beside each step (Rosseau et al. 2026)"

    strength: NonNegative = 1e-2  # λ, times the learning rate, an update
    scale: NonNegative = 1.0
    decoupled: bool = True
    reference_width: NonNegativeInteger = 0


@dataclass
class SpectralRegularization(MethodSettings):
    """Spectral regularisation (Lewandowski et al., ICLR 2025)."""

    method: ClassVar[str] = "SpectralRegularization"
    summary: ClassVar[str] = "whose layers keep their largest singular value near one (Lewandowski et al. 2025)"

    strength: NonNegative = 1e-4  # λ
    k: Count = 2  # the power of the singular value that is drawn to one


@dataclass
class TRAC(MethodSettings):
    """TRAC (Muppidi et al., NeurIPS 2024), with the values that its authors have everywhere."""

    method: ClassVar[str] = "TRAC"
    summary: ClassVar[str] = "whose distance from its initial weights is tuned at each update (Muppidi et al. 2024)"

    tuners: NonNegativeInteger = 6  # with β of 0.9, 0.99 and so on, an update
    s_prev: Positive = 1e-8  # the scale of each to begin with


@dataclass
class UPGD(MethodSettings):
    """UPGD around SGD, AdaUPGD around Adam (Elsayed & Mahmood, ICLR 2024; the values of their PPO)."""

    method: ClassVar[str] = "UPGD"
    summary: ClassVar[str] = "whose steps and noise spare weights by their utility (Elsayed & Mahmood 2024)"

    beta_utility: Rate = 0.999  # decay of the running utility, an update
    sigma: NonNegative = 0.001  # of the noise, in the units of a gradient, an update
    decoupled_weight_decay: NonNegative = 0.001  # times the learning rate, an update
    protecting: bool = True  # gate the steps, too; False gates the noise alone
    step_scale: NonNegative = 2.0  # as in their code, where the paper has 1


@dataclass
class ReDo(MethodSettings):
    """Recycling dormant neurons (Sokar et al., ICML 2023, Algorithm 1, Appendix A)."""

    method: ClassVar[str] = "ReDo"
    summary: ClassVar[str] = "whose dormant units are replaced every so many updates (Sokar et al. 2023)"

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

    threshold: NonNegative = 0.01  # τ, of the layer's mean gradient
    every: NonNegativeInteger = 1000  # updates between two looks; 0 never looks
    gradient_of: Annotated[str, OneOf(tuple(GradientOf))] = "weights"  # as in their code; in print, of activations
    forget_optimizer_state: bool = True


@dataclass
class SelectiveWeightReinitialization(MethodSettings):
    """Selective weight reinitialisation (Hernandez-Garcia et al., CoLLAs 2025; the best of their permuted MNIST)."""

    method: ClassVar[str] = "SelectiveWeightReinitialization"
    summary: ClassVar[str] = "whose least useful single weights are drawn afresh (Hernandez-Garcia et al. 2025)"

    every: NonNegativeInteger = 2048  # updates between two draws; 0 never draws
    factor: NonNegative = 1e-5  # of the mean utility of a weight's tensor; with proportional pruning a share of weights
    utility: Annotated[str, OneOf(tuple(WeightUtility))] = "gradient"
    pruning: Annotated[str, OneOf(tuple(Pruning))] = "threshold"
    redraw: Annotated[str, OneOf(tuple(Redraw))] = "resample"


@dataclass
class CalibratedPartialResets(MethodSettings):
    """Calibrated partial resets (McCutcheon et al. 2026; the values of their released configurations)."""

    method: ClassVar[str] = "CalibratedPartialResets"
    summary: ClassVar[str] = "whose units are reset in part, by how little they learn (McCutcheon et al. 2026)"

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

    rejection_threshold: Rate = 0.05  # η, of a unit's silences; ours, within the paper's grid
    max_threshold: Count = 200  # updates; the threshold that units begin with
    recalibrate_every: Count = 1600  # updates; ours: the released code does it every 16 tasks
    expansion: Annotated[float, Range(1)] = 2.0  # of a threshold that does not contract
    every: NonNegativeInteger = 1  # updates between two tests, each of which asks the device once; 0 never tests
    forget_optimizer_state: bool = True


@dataclass
class ElasticWeightConsolidation(MethodSettings):
    """Elastic weight consolidation (Kirkpatrick et al., PNAS 2017)."""

    method: ClassVar[str] = "ElasticWeightConsolidation"
    summary: ClassVar[str] = "that is held back where weights mattered to earlier tasks (Kirkpatrick et al. 2017)"

    strength: NonNegative = 1000.0  # λ


@dataclass
class L2Transfer(MethodSettings):
    """The pull to the previous task's weights ("L2T" of Yoon et al., ICLR 2020)."""

    method: ClassVar[str] = "L2Transfer"
    summary: ClassVar[str] = "that is drawn back to the weights of the task before (Yoon et al. 2020)"

    strength: NonNegative = 0.01  # λ


METHODS: dict[str, type[MethodSettings]] = {
    "adam_rel": AdamRel,
    "cpr": CalibratedPartialResets,
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
