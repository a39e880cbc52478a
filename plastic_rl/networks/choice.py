"""Networks by the names that recipes call them."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from torch import nn

from plastic_rl.networks.convnet import ConvNet
from plastic_rl.networks.lenet import LeNet
from plastic_rl.networks.mlp import MLP
from plastic_rl.networks.residual_conv import ResidualConv
from plastic_rl.networks.resnet import ResNet18

NORMALIZED = {"layer_norm_mlp": "layer", "batch_norm_mlp": "batch"}
FLAT = ("mlp", *NORMALIZED, "linear")  # take inputs of any shape
IMAGES = 3  # axes of an image: channels, height, width


def network_for(
    name: str, shape: tuple[int, ...], outputs: int, *, hidden_layers: int, hidden_units: int, width: int
) -> nn.Module:
    """A fresh network that takes inputs of a shape.

    Args:
        name: "mlp", "layer_norm_mlp", "batch_norm_mlp", "linear", "convnet", "resnet18", "lenet", "large_lenet"
            or "residual_conv".
        shape: of one input.
        outputs: how many numbers it gives.
        hidden_layers: of an MLP.
        hidden_units: of an MLP, in each layer.
        width: channels of a ResNet's first stage.

    Raises:
        ValueError: there is no network of that name, or it does not take inputs of that shape.
    """
    if name in FLAT:
        flat = MLP(
            math.prod(shape),
            outputs,
            hidden_layers=0 if name == "linear" else hidden_layers,
            hidden_units=hidden_units,
            normalization=NORMALIZED.get(name),
        )
        return flat if len(shape) == 1 else nn.Sequential(nn.Flatten(), *flat)
    makers: dict[str, Callable[[int], nn.Module]] = {
        "convnet": ConvNet,
        "resnet18": partial(ResNet18, width=width),
        "lenet": partial(LeNet, shape=shape),
        "residual_conv": partial(_residual_conv, shape),
        "large_lenet": partial(LeNet, shape=shape, channels=(64, 128), units=(2500, 1500)),  # APD's for Omniglot
    }
    if name not in makers:
        raise ValueError(f"network must be one of {', '.join([*FLAT, *makers])}, got {name!r}")
    expected = {"convnet": "(3, 32, 32)", "resnet18": "(3, height, width)"}.get(name, "(channels, height, width)")
    fits = {"convnet": shape == (3, 32, 32), "resnet18": len(shape) == IMAGES and shape[0] == 3}
    if not fits.get(name, len(shape) == IMAGES):
        raise ValueError(f"a {name} takes images {expected}, this stream gives {shape}: use agent.network=mlp")
    return makers[name](outputs)


def _residual_conv(shape: tuple[int, ...], outputs: int) -> nn.Module:
    """The network of the HSIC bottleneck with an output layer on top."""
    units = 512
    return nn.Sequential(*ResidualConv(shape, units=units), nn.Linear(units, outputs))
