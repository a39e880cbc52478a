"""Networks: what follows the hidden layers of a perceptron."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from agents.methods.settings import NetworkSettings
from plastic_rl.settings import Positive, Range, Rate


@dataclass
class LayerNorm(NetworkSettings):
    """Layer normalisation before each non-linearity (Ba et al. 2016; against loss of plasticity: Lyle et al. 2023)."""

    summary: ClassVar[str] = "whose hidden layers are normalised before each non-linearity (Lyle et al. 2023)"

    def network_options(self) -> dict[str, Any]:
        return {"normalization": "layer"}


@dataclass
class LeakyReLU(NetworkSettings):
    """Leaky rectifiers (Maas et al. 2013); torch's slope."""

    summary: ClassVar[str] = "whose rectifiers have a slope below zero, so that no unit dies (Maas et al. 2013)"

    slope: Rate = 0.01  # below zero; 0 is ReLU, 1 a linear network

    def network_options(self) -> dict[str, Any]:
        return {"activation": "leaky_relu", "slope": self.slope}


@dataclass
class SmoothLeakyReLU(NetworkSettings):
    """Smooth-Leaky rectifiers (Lillo & Cheney, ICLR 2026; the values of their Figure 5)."""

    summary: ClassVar[str] = "whose rectifiers are leaky and without a kink (Smooth-Leaky, Lillo & Cheney 2026)"

    slope: Rate = 0.1  # α, far below zero
    sharpness: Positive = 5 / 3  # c / p: how fast it turns from one slope to the other

    def network_options(self) -> dict[str, Any]:
        return {"activation": "smooth_leaky_relu", "slope": self.slope, "sharpness": self.sharpness}


@dataclass
class PReLU(NetworkSettings):
    """Parametric rectifiers (He et al., ICCV 2015), one slope for each layer."""

    summary: ClassVar[str] = "whose rectifiers learn their slope below zero, one for each layer (He et al. 2015)"

    initial_slope: Rate = 0.25  # below zero

    def network_options(self) -> dict[str, Any]:
        return {"activation": "prelu", "initial_slope": self.initial_slope}


@dataclass
class CReLU(NetworkSettings):
    """Concatenated ReLU (Shang et al. 2016; against loss of plasticity: Abbas et al. 2023)."""

    summary: ClassVar[str] = "whose units, half as many, each give relu(x) and relu(-x) (CReLU, Abbas et al. 2023)"

    def network_options(self) -> dict[str, Any]:
        return {"activation": "crelu"}


@dataclass
class FourierFeatures(NetworkSettings):
    """Deep Fourier features (Lewandowski et al., ICLR 2025)."""

    summary: ClassVar[str] = "whose units, half as many, each give sin x and cos x (Lewandowski et al. 2025)"

    def network_options(self) -> dict[str, Any]:
        return {"activation": "fourier"}


@dataclass
class Dropout(NetworkSettings):
    """Dropout behind each non-linearity (Srivastava et al. 2014); the rate is ours."""

    summary: ClassVar[str] = "whose hidden activations are dropped at random while it learns (Srivastava et al. 2014)"

    dropout: Annotated[float, Range(0, 1, high_included=False)] = 0.1  # share of the activations

    def network_options(self) -> dict[str, Any]:
        return {"dropout": self.dropout}


@dataclass
class AID(NetworkSettings):
    """Activation by interval-wise dropout (Park et al., ICML 2025; 0.99 to 0.999 in their reinforcement learning)."""

    summary: ClassVar[str] = "whose units pass now their positive side, now their negative one (AID, Park et al. 2025)"

    probability: Annotated[float, Range(0, 1, low_included=False)] = 0.99  # p, of the positive side

    def network_options(self) -> dict[str, Any]:
        return {"activation": "aid", "probability": self.probability}


@dataclass
class Rational(NetworkSettings):
    """Rational activations (Molina et al. 2020; Delfosse et al., ICLR 2024), one for each layer."""

    summary: ClassVar[str] = "whose layers learn their non-linearity, a rational function (Delfosse et al. 2024)"

    def network_options(self) -> dict[str, Any]:
        return {"activation": "rational"}
