"""Methods that add a term to the loss of what the network makes of a minibatch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from agents.methods.settings import MethodSettings
from plastic_rl.choices import Answers
from plastic_rl.settings import Count, NonNegative, NonNegativeInteger, OneOf, Rate


@dataclass
class ChurnReduction(MethodSettings):
    """Churn reduction (C-CHAIN, Tang et al., ICML 2025)."""

    method: ClassVar[str] = "ChurnReduction"
    summary: ClassVar[str] = "whose updates are held from changing answers elsewhere (C-CHAIN, Tang et al. 2025)"

    target_scale: NonNegative = 0.05  # length of the term's gradient by that of the loss's; theirs is a ratio of losses
    coefficient: NonNegative = 0.0  # c, or 0: as target_scale says
    outputs: Annotated[str, OneOf(tuple(Answers))] = "auto"  # a policy's by its distribution, others as numbers
    decay_rate: Rate = 0.99  # of the running means, by the update
    on_change: bool = False  # start the running means anew when a task begins: the authors', who are told


@dataclass
class FeatureNorm(MethodSettings):
    """The penalty on the norm of features, a control (Moalla et al., NeurIPS 2024, measure how it grows)."""

    method: ClassVar[str] = "FeatureNorm"
    summary: ClassVar[str] = "whose features are kept small: λ times their squared norm is added to the loss"

    strength: NonNegative = 1e-3  # λ


@dataclass
class InFeR(MethodSettings):
    """Initial feature regularisation (InFeR, Lyle et al., ICLR 2022)."""

    method: ClassVar[str] = "InFeR"
    summary: ClassVar[str] = "whose features keep random directions of their initial ones (InFeR, Lyle et al. 2022)"

    strength: NonNegative = 0.1  # α
    beta: NonNegative = 100.0  # β, by which the heads' first values are multiplied
    heads: Count = 10  # for each hidden layer that an output layer reads


@dataclass
class ProximalFeatures(MethodSettings):
    """Proximal feature optimisation (PFO, Moalla et al., NeurIPS 2024)."""

    method: ClassVar[str] = "ProximalFeatures"
    summary: ClassVar[str] = "whose pre-activations stay near those of the rollout (PFO, Moalla et al. 2024)"

    strength: NonNegative = 1.0  # c
    every_layer: bool = False  # all hidden layers, and not only the last
    copy_every: NonNegativeInteger = 160  # updates between two copies of the weights, where nobody tells of rollouts
