"""Methods that act on weights at each update, and at intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from agents.methods.settings import MethodSettings, Place
from plastic_rl.choices import Blocks, Pruning, Redraw, WeightUtility
from plastic_rl.settings import Count, NonNegative, NonNegativeInteger, OneOf, Positive, Rate


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
class ShrinkPerturb(MethodSettings):
    """Shrink and perturb at each update (Ash & Adams 2020; "soft", Juliani & Ash 2024, whose values these are)."""

    method: ClassVar[str] = "ShrinkPerturb"
    summary: ClassVar[str] = "whose weights are shrunk and disturbed a little at each update (Ash & Adams 2020)"

    shrink: Rate = 1e-6  # share of each weight and bias that is lost, an update
    noise_std: NonNegative = 1e-6  # of the noise added to each weight and bias, an update


@dataclass
class WeightClipping(MethodSettings):
    """Weight clipping (Elsayed et al., RLC 2024; the default of their PPO, 1 to 2 in their supervised runs)."""

    method: ClassVar[str] = "WeightClipping"
    summary: ClassVar[str] = "whose weights are clipped to the range in which layers are drawn (Elsayed et al. 2024)"
    place: ClassVar[Place] = Place.size

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
    place: ClassVar[Place] = Place.size

    every: NonNegativeInteger = 1  # updates between two projections


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
    place: ClassVar[Place] = Place.step

    tuners: NonNegativeInteger = 6  # with β of 0.9, 0.99 and so on, an update
    s_prev: Positive = 1e-8  # the scale of each to begin with


@dataclass
class MetaOptimize(MethodSettings):
    """MetaOptimize (Sharifnassab, Salehkaleybar, Sutton, ICML 2025; the values of their released code)."""

    method: ClassVar[str] = "MetaOptimize"
    summary: ClassVar[str] = "whose step sizes, one for each tensor, are learned (Sharifnassab et al. 2025)"
    place: ClassVar[Place] = Place.step

    meta_step: NonNegative = 1e-3  # μ: by so much the logarithm of a step size changes, an update
    trace_discount: Rate = 0.9999  # γ, of the trace of past steps, an update
    blocks: Annotated[str, OneOf(tuple(Blocks))] = "tensors"  # "one" step size for all weights


@dataclass
class UPGD(MethodSettings):
    """UPGD around SGD, AdaUPGD around Adam (Elsayed & Mahmood, ICLR 2024; the values of their PPO)."""

    method: ClassVar[str] = "UPGD"
    summary: ClassVar[str] = "whose steps and noise spare weights by their utility (Elsayed & Mahmood 2024)"
    place: ClassVar[Place] = Place.step

    beta_utility: Rate = 0.999  # decay of the running utility, an update
    sigma: NonNegative = 0.001  # of the noise, in the units of a gradient, an update
    decoupled_weight_decay: NonNegative = 0.001  # times the learning rate, an update
    protecting: bool = True  # gate the steps, too; False gates the noise alone
    step_scale: NonNegative = 2.0  # as in their code, where the paper has 1


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
