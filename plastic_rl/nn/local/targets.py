"""Targets of any kind as columns of numbers, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float, Int, Real, Shaped
from torch import Tensor, nn
from torch.nn import functional

from plastic_rl.nn.moments import Fading, add_origins, is_far
from plastic_rl.precision import check_magnitude, largest_square_root

Columns = Float[Tensor, "samples columns"]


class TargetEncoder(nn.Module):
    """Interface: turns targets into columns of numbers, and a readout's columns into predictions.

    Args:
        width: number of columns.
    """

    has_classes = False

    def __init__(self, width: int) -> None:
        super().__init__()
        if width < 1:
            raise ValueError(f"targets need one column or more, got {width}")
        self.width = width

    def forward(self, targets: Any) -> Columns:
        raise NotImplementedError

    def decode(self, columns: Columns) -> Any:
        """The prediction that a readout's columns stand for, in the units of the targets."""
        raise NotImplementedError


class OneHot(TargetEncoder):
    """Classes as one-hot columns; decodes into the class of the largest column.

    Args:
        classes: how many there are; labels are 0 to classes - 1.
    """

    has_classes = True

    def __init__(self, classes: int) -> None:
        super().__init__(classes)

    def forward(self, targets: Shaped[Tensor, " samples"]) -> Columns:
        """The labels as columns of noughts and ones.

        Raises:
            ValueError: for labels that are no whole numbers, or out of range.
        """
        low, high = (each.item() for each in torch.aminmax(targets))
        if targets.is_floating_point() or low < 0 or high >= self.width:
            raise ValueError(
                f"labels are whole numbers from 0 to {self.width - 1}; got {targets.dtype} from {low} to {high}"
            )
        return functional.one_hot(targets.long(), self.width).to(torch.get_default_dtype())

    def decode(self, columns: Columns) -> Int[Tensor, " samples"]:
        return columns.argmax(1)


class Standardized(TargetEncoder):
    """Numbers, less their running mean and over their running standard deviation: returns, advantages, observations.

    The running statistics take in each batch that is encoded in training mode, before it is encoded. Squares are about
    an origin, which is moved where the mean is far from it (:class:`plastic_rl.nn.moments.RunningMoments`).

    Args:
        width: number of columns; targets of shape (samples,) have one.
        horizon: how many samples back the statistics reach; `math.inf` is all.
    """

    def __init__(self, width: int = 1, *, horizon: float = 100_000.0) -> None:
        super().__init__(width)
        self.fading = Fading(horizon)
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("square", torch.zeros(width))
        self.register_buffer("origin", torch.zeros(width))
        self.register_load_state_dict_pre_hook(add_origins)

    mean: Tensor
    square: Tensor
    origin: Tensor

    @property
    def variance(self) -> Float[Tensor, " columns"]:
        """The variance of each column."""
        return self.square - (self.mean - self.origin).square()

    @property
    def deviation(self) -> Float[Tensor, " columns"]:
        """The standard deviation of each column; 1 where it has been constant."""
        deviation = self.variance.clamp(min=0).sqrt()
        rounding = torch.maximum(1e-6 * self.square.sqrt(), 4 * torch.finfo(deviation.dtype).eps * self.origin.abs())
        return torch.where(deviation > rounding, deviation, 1.0)

    def forward(self, targets: Real[Tensor, "samples *columns"]) -> Columns:
        """The targets in units of their deviation, from their mean.

        Raises:
            ValueError: targets are not finite, or their squares are not; nothing has been taken in then.
        """
        columns = targets.detach().reshape(len(targets), self.width).to(self.mean)
        if self.training:
            check_magnitude("targets", columns, below=largest_square_root(columns.dtype))
            self._take_in(columns)
        return (columns - self.mean) / self.deviation

    def _take_in(self, columns: Columns) -> None:
        if self.fading.weight == 0 and len(columns) > 1:
            self._move_origin(columns.mean(0), columns.var(0, correction=0))
        share = self.fading.add(len(columns))
        self.mean.lerp_(columns.mean(0), share)
        self.square.lerp_((columns - self.origin).square().mean(0), share)
        if self.fading.weight >= 2:
            self._move_origin(self.mean, self.variance)

    def _move_origin(self, mean: Tensor, variance: Tensor) -> None:
        """Moves the origin of columns whose mean is far from it to that mean."""
        far = is_far(mean - self.origin, variance)
        self.square.copy_(torch.where(far, variance, self.square))
        self.origin.copy_(torch.where(far, mean, self.origin))

    def decode(self, columns: Columns) -> Columns:
        return columns * self.deviation + self.mean

    def get_extra_state(self) -> dict[str, float]:
        return {"weight": self.fading.weight}

    def set_extra_state(self, state: Any) -> None:
        self.fading.weight = float(state["weight"])


class Joint(TargetEncoder):
    """Several targets side by side: a mapping from names to targets is encoded, and decoded, name by name.

    ::

        Joint(returns=Standardized(), action=OneHot(4), next_observation=Standardized(17))

    Args:
        encoders: what encodes each of them.
    """

    def __init__(self, **encoders: TargetEncoder) -> None:
        super().__init__(sum(encoder.width for encoder in encoders.values()))
        self.encoders = nn.ModuleDict(encoders)

    def forward(self, targets: Mapping[str, Tensor]) -> Columns:
        if set(targets) != set(self.encoders):
            raise ValueError(f"targets for {sorted(self.encoders)} are expected, got {sorted(targets)}")
        return torch.cat([encoder(targets[name]) for name, encoder in self.encoders.items()], 1)

    def decode(self, columns: Columns) -> dict[str, Tensor]:
        predicted, start = {}, 0
        for name, encoder in self.encoders.items():
            assert isinstance(encoder, TargetEncoder)
            predicted[name] = encoder.decode(columns[:, start : start + encoder.width])
            start += encoder.width
        return predicted
