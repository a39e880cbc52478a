"""The matrix products of linear layers, for all seeds at once where that changes no bit."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import linear

COMPARED = 4096
"""So many numbers a trial compares at least: in tiny products few of them differ."""


class StackedProducts:
    """Torch's products, seed by seed or batched: whichever gives each seed the bits that it has alone.

    Batched products may take another way through the sum than single ones (vectors, and tiny matrices, do). So the
    first time that a shape comes along both are tried on random numbers, and batched ones are taken where no bit
    differs. Inputs are of shape (seeds, rows, inputs), a weight is of shape (seeds, outputs, inputs).
    """

    def output(self, inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """The outputs: inputs · weightᵀ + bias."""
        if _agree("output", inputs.shape[1], *weight.shape[1:]):
            return _batched_output(inputs, weight, bias)
        return _single_output(inputs, weight, bias)

    def of_weight(self, gradient: Tensor, inputs: Tensor, into: Tensor) -> None:
        """The gradient of the weight, gradientᵀ · inputs, written into a tensor."""
        if _agree("of_weight", inputs.shape[1], *into.shape[1:]):
            torch.bmm(gradient.transpose(1, 2), inputs, out=into)
        else:
            for each, rows, part in zip(gradient, inputs, into, strict=True):
                torch.mm(each.t(), rows, out=part)

    def of_input(self, gradient: Tensor, weight: Tensor) -> Tensor:
        """The gradient of the inputs: gradient · weight."""
        if _agree("of_input", gradient.shape[1], *weight.shape[1:]):
            return torch.bmm(gradient, weight)
        return torch.stack([torch.mm(each, matrix) for each, matrix in zip(gradient, weight, strict=True)])


def _batched_output(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return torch.baddbmm(bias[:, None], inputs, weight.transpose(1, 2))


def _single_output(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return torch.stack([linear(rows, each, b) for rows, each, b in zip(inputs, weight, bias, strict=True)])


@cache
def _agree(kind: str, rows: int, outputs: int, inputs: int) -> bool:
    """True if batched products of a shape have the bits of single ones."""
    random, seeds = (
        torch.Generator().manual_seed(0),
        3 + COMPARED // min(rows * outputs, outputs * inputs, rows * inputs),
    )
    x, weight, bias, gradient = (
        torch.randn(seeds, *shape, generator=random)
        for shape in ((rows, inputs), (outputs, inputs), (outputs,), (rows, outputs))
    )
    if kind == "output":
        return torch.equal(_batched_output(x, weight, bias), _single_output(x, weight, bias))
    if kind == "of_weight":
        single = [torch.mm(each.t(), x_of_seed) for each, x_of_seed in zip(gradient, x, strict=True)]
        return torch.equal(torch.bmm(gradient.transpose(1, 2), x), torch.stack(single))
    single = [torch.mm(each, matrix) for each, matrix in zip(gradient, weight, strict=True)]
    return torch.equal(torch.bmm(gradient, weight), torch.stack(single))
