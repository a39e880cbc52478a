"""Rectifiers with a slope below zero: no unit is ever without a gradient. torch's own, checked at construction."""

from __future__ import annotations

from torch import nn

from plastic_rl.validation import fraction


def leaky_relu(*, slope: float = 0.01) -> nn.LeakyReLU:
    """The rectifier x for x > 0 and a x otherwise, with a fixed slope a (Maas, Hannun, Ng, ICML workshop 2013).

    Args:
        slope: a; 0 is ReLU, 1 makes the network linear.

    Raises:
        ValueError: the slope is not in [0, 1].
    """
    return nn.LeakyReLU(fraction("slope", slope))


def prelu(*, initial_slope: float = 0.25) -> nn.PReLU:
    """The rectifier x for x > 0 and a x otherwise, with a learnt slope a (He, Zhang, Ren, Sun, ICCV 2015, Eq. 1).

    One slope for all units of the layer, the authors' channel-shared variant: it belongs to no unit, so that it stays
    when units are replaced.

    Args:
        initial_slope: a at the beginning.

    Raises:
        ValueError: the slope is not in [0, 1].
    """
    return nn.PReLU(init=fraction("initial_slope", initial_slope))
