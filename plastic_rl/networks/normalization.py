"""Normalisations without weights of their own, by name."""

from __future__ import annotations

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


def normalization_of(units: int, name: str) -> nn.Module:
    """The module that normalises features of shape (batch, units).

    Args:
        units: how many.
        name: "batch", over the examples of a minibatch, or "layer", over the units of an example.

    Raises:
        ValueError: there is no normalisation of that name.
    """
    if one_of("normalization", Normalization, name) is Normalization.layer:
        return nn.LayerNorm(units, elementwise_affine=False)
    return LenientBatchNorm(units, affine=False)
