"""Non-linearities that keep a network plastic."""

from plastic_rl.networks.activations.doubling import CReLU, FourierFeatures
from plastic_rl.networks.activations.leaky import leaky_relu, prelu
from plastic_rl.networks.activations.masks import AID, Dropout, RandomMask
from plastic_rl.networks.activations.rational import Rational
from plastic_rl.networks.activations.smooth_leaky import SmoothLeakyReLU

__all__ = [
    "AID",
    "CReLU",
    "Dropout",
    "FourierFeatures",
    "RandomMask",
    "Rational",
    "SmoothLeakyReLU",
    "leaky_relu",
    "prelu",
]
