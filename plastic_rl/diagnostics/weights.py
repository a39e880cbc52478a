"""The size of the weights of a network."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.layers import HiddenLayer


def mean_magnitude(weights: Iterable[Tensor]) -> Float[Tensor, ""]:
    """Mean |w| over all entries of all the weights."""
    weights = list(weights)
    return torch.stack([weight.detach().abs().sum() for weight in weights]).sum() / sum(w.numel() for w in weights)


def weights_of(layers: Iterable[HiddenLayer]) -> list[Tensor]:
    """The weights that produce or read hidden units, each once."""
    ports = [port for layer in layers for port in (*layer.produced_by, *layer.read_by)]
    return list({id(port.weight): port.weight for port in ports}.values())
