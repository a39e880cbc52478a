"""Normalisations without weights of their own, by name."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from plastic_rl.choices import Normalization
from plastic_rl.validation import one_of


class LenientBatchNorm(nn.BatchNorm1d):
    """Batch normalisation that takes the left-over of a pass too: one example alone is normalised by running averages.

    It has no variance of its own, and torch refuses it. The averages stay as they are then.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The normalised features, of shape (batch, units)."""
        if self.training and len(input) == 1:
            return nn.functional.batch_norm(input, self.running_mean, self.running_var, eps=self.eps)
        return super().forward(input)


class WidthFreeLayerNorm(nn.LayerNorm):
    """Layer normalisation over the last axis, whatever its width, without weights of its own.

    Stable-Baselines3 makes what follows a hidden layer without saying how wide the layer is.

    Args:
        eps: added to the variance.
    """

    def __init__(self, eps: float = 1e-5) -> None:
        super().__init__(torch.Size(), eps, elementwise_affine=False)  # of no axis, until something comes in

    def forward(self, input: Tensor) -> Tensor:
        """The normalised features, of shape (…, units)."""
        self.normalized_shape = tuple(input.shape[-1:])
        return super().forward(input)


def normalization_of(units: int | None, name: str) -> nn.Module:
    """The module that normalises features of shape (batch, units).

    Args:
        units: how many; None if nobody knows yet, which batch normalisation cannot do with.
        name: "batch", over the examples of a minibatch, or "layer", over the units of an example.

    Raises:
        ValueError: there is no normalisation of that name, or it needs to know how many units there are.
    """
    if one_of("normalization", Normalization, name) is Normalization.layer:
        return WidthFreeLayerNorm() if units is None else nn.LayerNorm(units, elementwise_affine=False)
    if units is None:
        raise ValueError('batch normalisation needs to know how many units there are: use normalization="layer"')
    return LenientBatchNorm(units, affine=False)
