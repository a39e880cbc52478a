"""The three matrix products of a linear layer: what it puts out, and the gradients of its weight and its input."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn.functional import linear

# Below this number of rows, or of multiplications, oneDNN's preparations take longer than it saves.
ROWS, MULTIPLICATIONS = 32, 2_000_000
# The gradient of a weight is copied to where it belongs, too.
ROWS_TO_COPY = 64


class Products:
    """Torch's products, as autograd takes them: they differ from Stable-Baselines3's in no bit.

    A weight is of shape (outputs, inputs).
    """

    def output(self, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The outputs: inputs · weightᵀ + bias."""
        return linear(inputs, weight, bias)

    def of_weight(self, gradient: Tensor, inputs: Tensor, into: Tensor) -> None:
        """The gradient of the weight, gradientᵀ · inputs, written into a tensor."""
        torch.mm(gradient.t(), inputs, out=into)

    def of_input(self, gradient: Tensor, weight: Tensor) -> Tensor:
        """The gradient of the inputs: gradient · weight."""
        return torch.mm(gradient, weight)


class QuickProducts(Products):
    """Large products from oneDNN, which torch brings along, small ones from torch.

    Where a processor has vectors of 512 bits and MKL does not use them (AMD's) oneDNN needs half the time; it rounds
    differently.
    """

    def output(self, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return _onednn(inputs, weight, bias) if _is_large(inputs, weight) else linear(inputs, weight, bias)

    def of_weight(self, gradient: Tensor, inputs: Tensor, into: Tensor) -> None:
        if gradient.shape[0] >= ROWS_TO_COPY and _is_large(gradient, into):
            into.copy_(_onednn(gradient.t(), inputs.t()))
        else:
            torch.mm(gradient.t(), inputs, out=into)

    def of_input(self, gradient: Tensor, weight: Tensor) -> Tensor:
        return _onednn(gradient, weight.t()) if _is_large(gradient, weight) else torch.mm(gradient, weight)


def quick_products(rows: int, weights: Iterable[Tensor]) -> Products:
    """The quickest products of some weights with so many rows that this build of torch has on this processor."""
    are_large = rows >= ROWS and any(rows * weight.numel() >= MULTIPLICATIONS for weight in weights)
    return QuickProducts() if are_large and _onednn_is_quicker() else Products()


def _onednn_is_quicker() -> bool:
    """True with vectors of 512 bits: with narrower ones oneDNN takes as long as torch's own, or up to 1.8 times it."""
    has_onednn = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    return has_onednn and torch.backends.cpu.get_cpu_capability().startswith("AVX512")


def _is_large(rows: Tensor, weight: Tensor) -> bool:
    count = rows.shape[0]
    return count >= ROWS and count * weight.numel() >= MULTIPLICATIONS


def _onednn(inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise.default(inputs, weight, bias, "none", [], "")
