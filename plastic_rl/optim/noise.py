"""Noise for weights, without touching the global random-number stream."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor


def normal_noise(parameters: Sequence[Tensor], *, std: float, seed: int, step: int) -> list[Tensor]:
    """Draws from N(0, std²) for each entry of each parameter: a function of the seed and of the number of the step.

    One draw is made for all parameters together, on the device of the first, and shared out among them.
    """
    sizes, first = [parameter.numel() for parameter in parameters], parameters[0]
    source = Generator(first.device)
    source.manual_seed((seed * 1_000_003 + step) % 2**63)
    drawn = torch.empty(sum(sizes), device=first.device, dtype=first.dtype)
    drawn.normal_(0, std, generator=source)
    return [part.view_as(each) for part, each in zip(drawn.split(sizes), parameters, strict=True)]
