"""Networks by the names that recipes call them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from torch import nn

from plastic_rl.choices import Network, Normalization
from plastic_rl.networks.convnet import ConvNet
from plastic_rl.networks.lenet import LeNet
from plastic_rl.networks.mlp import MLP
from plastic_rl.networks.residual_conv import ResidualConv
from plastic_rl.networks.resnet import ResNet18
from plastic_rl.validation import one_of

NORMALIZED = {Network.layer_norm_mlp: Normalization.layer, Network.batch_norm_mlp: Normalization.batch}
FLAT = (Network.mlp, *NORMALIZED, Network.linear)  # take inputs of any shape
IMAGES = 3  # axes of an image: channels, height, width


def network_for(
    name: str,
    shape: tuple[int, ...],
    outputs: int,
    *,
    hidden_layers: int,
    hidden_units: int,
    width: int,
    **options: Any,
) -> nn.Module:
    """A fresh network that takes inputs of a shape.

    Args:
        name: one of :class:`plastic_rl.choices.Network`.
        shape: of one input.
        outputs: how many numbers it gives.
        hidden_layers: of an MLP.
        hidden_units: of an MLP, in each layer.
        width: channels of a ResNet's first stage.
        options: what follows the hidden layers of an MLP (:func:`plastic_rl.networks.nonlinearity`).

    Raises:
        ValueError: there is no network of that name, it does not take inputs of that shape, or it has no such options.
    """
    kind = one_of("network", Network, name)
    _check(kind, options)
    if kind in FLAT:
        layers = 0 if kind is Network.linear else hidden_layers
        options = {"normalization": NORMALIZED.get(kind), **options}
        flat = MLP(math.prod(shape), outputs, hidden_layers=layers, hidden_units=hidden_units, **options)
        return flat if len(shape) == 1 else nn.Sequential(nn.Flatten(), *flat)
    _check_shape(kind, shape)
    return _of_images(kind, shape, width)(outputs)


def _of_images(kind: Network, shape: tuple[int, ...], width: int) -> Callable[[int], nn.Module]:
    """The maker of a network for images, given how many numbers it gives."""
    makers: dict[Network, Callable[[int], nn.Module]] = {
        Network.convnet: ConvNet,
        Network.resnet18: partial(ResNet18, width=width),
        Network.lenet: partial(LeNet, shape=shape),
        Network.residual_conv: partial(_residual_conv, shape),
        Network.large_lenet: partial(LeNet, shape=shape, channels=(64, 128), units=(2500, 1500)),  # APD's for Omniglot
    }
    return makers[kind]


def _check_shape(kind: Network, shape: tuple[int, ...]) -> None:
    """Refuses inputs of a shape that a network for images does not take."""
    sizes = {Network.convnet: "(3, 32, 32)", Network.resnet18: "(3, height, width)"}
    expected = sizes.get(kind, "(channels, height, width)")
    fits = {Network.convnet: shape == (3, 32, 32), Network.resnet18: len(shape) == IMAGES and shape[0] == 3}
    if not fits.get(kind, len(shape) == IMAGES):
        raise ValueError(f"a {kind} takes images {expected}, this stream gives {shape}: use agent.network=mlp")


def _check(kind: Network, options: Mapping[str, Any]) -> None:
    """Refuses options that a network cannot have."""
    given = ", ".join(f"{name}={value}" for name, value in options.items())
    if options and (kind not in FLAT or kind is Network.linear):
        raise ValueError(f"a {kind} is as its paper has it, without {given}: use agent.network=mlp")
    if "normalization" in options and kind in NORMALIZED:
        raise ValueError(f"a {kind} is normalised already, and {given} was asked for: use agent.network=mlp")


def _residual_conv(shape: tuple[int, ...], outputs: int) -> nn.Module:
    """The network of the HSIC bottleneck with an output layer on top."""
    units = 512
    return nn.Sequential(*ResidualConv(shape, units=units), nn.Linear(units, outputs))
