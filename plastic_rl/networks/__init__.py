"""The networks of the published experiments."""

from plastic_rl.networks.activations import (
    AID,
    CReLU,
    Dropout,
    FourierFeatures,
    RandomMask,
    Rational,
    SmoothLeakyReLU,
)
from plastic_rl.networks.choice import network_for
from plastic_rl.networks.convnet import ConvNet
from plastic_rl.networks.input_normalization import InputNormalization
from plastic_rl.networks.lenet import LeNet
from plastic_rl.networks.local_mlp import LocalMLP
from plastic_rl.networks.mlp import MLP
from plastic_rl.networks.nonlinearity import nonlinearity, outputs_before
from plastic_rl.networks.residual_conv import ResidualConv
from plastic_rl.networks.resnet import ResNet18

__all__ = [
    "AID",
    "MLP",
    "CReLU",
    "ConvNet",
    "Dropout",
    "FourierFeatures",
    "InputNormalization",
    "LeNet",
    "LocalMLP",
    "RandomMask",
    "Rational",
    "ResNet18",
    "ResidualConv",
    "SmoothLeakyReLU",
    "network_for",
    "nonlinearity",
    "outputs_before",
]
