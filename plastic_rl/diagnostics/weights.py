"""The size of the weights of a network, how far they are from where they began, and how far an update moves them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float
from torch import (
    Tensor,
    _foreach_norm,  # pyright: ignore[reportPrivateImportUsage]
    _foreach_sub,  # pyright: ignore[reportPrivateImportUsage]
)

from plastic_rl.layers import HiddenLayer

Scalar = Float[Tensor, ""]


def mean_magnitude(weights: Iterable[Tensor]) -> Scalar:
    """Mean |w| over all entries of all the weights."""
    weights = list(weights)
    return torch.stack([weight.detach().abs().sum() for weight in weights]).sum() / sum(w.numel() for w in weights)


def norm(tensors: Sequence[Tensor]) -> Scalar:
    """The Euclidean norm of all entries together: √Σw²."""
    return torch.linalg.vector_norm(torch.stack(_foreach_norm([each.detach() for each in tensors])))


def distance(now: Sequence[Tensor], then: Sequence[Tensor]) -> Scalar:
    """The Euclidean distance of all entries from what they were: ‖θ - θ₀‖."""
    return norm(list(_foreach_sub([each.detach() for each in now], list(then))))


def effective_learning_rate(now: Sequence[Tensor], then: Sequence[Tensor]) -> Scalar:
    """The size of an update beside what it moves: ‖θ' - θ‖ / ‖θ‖."""
    return distance(now, then) / norm(then).clamp(min=torch.finfo(torch.float32).tiny)


def weights_of(layers: Iterable[HiddenLayer]) -> list[Tensor]:
    """The weights that produce or read hidden units, each once."""
    ports = [port for layer in layers for port in (*layer.produced_by, *layer.read_by)]
    return list({id(port.weight): port.weight for port in ports}.values())
