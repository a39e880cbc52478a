"""Readouts: predictions from the features of locally trained blocks, without sending anything back into them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from plastic_rl.nn.local.targets import Columns, TargetEncoder
from plastic_rl.nn.moments import Fading
from plastic_rl.optim import UnitsReplaced
from plastic_rl.precision import check_magnitude, in_full_precision

Features = Float[Tensor, "samples features"]


class Readout(nn.Module):
    """Interface: predicts a target encoder's columns from features, of all blocks side by side or of the last one."""

    reads_all = False

    def forward(self, features: Features) -> Columns:
        raise NotImplementedError

    def observe(self, features: Features, targets: Columns) -> None:
        """Takes a batch into the statistics that the readout is made from."""

    def loss(self, features: Features, targets: Columns) -> Float[Tensor, ""] | None:
        """The loss of a readout that has weights to train; None for one that has none."""
        return None

    def features_of(self, replaced: Sequence[UnitsReplaced]) -> Bool[Tensor, " features"] | None:
        """A mask over the features that are those of replaced units; None for a readout that keeps no past of them."""
        return None

    def forget(self, features: Bool[Tensor, " features"]) -> None:
        """Forgets the past of some features."""


class ClassMeansReadout(Readout):
    """The class whose mean is nearest to the features of the last block, by training labels.

    For the paper's "unformatted" training: HSIC asks that classes can be told apart, not that each has a unit of its
    own, and now and then leaves one with none. Silence of all units is then that class's code.

    Args:
        features: number of units of the last block.
        encoder: of the targets, which are classes.
        horizon: how many samples back the class means reach.

    Raises:
        ValueError: for targets that are no classes.
    """

    def __init__(self, features: int, encoder: TargetEncoder, *, horizon: float = 10_000.0) -> None:
        super().__init__()
        _check_classes("class_means", encoder)
        self.fading = Fading(horizon)
        self.register_buffer("sums", torch.zeros(encoder.width, features))
        self.register_buffer("shares", torch.zeros(encoder.width))

    sums: Tensor
    shares: Tensor

    def forward(self, features: Features) -> Columns:
        # By differences: the product form loses the distances of features that lie far from zero together.
        return -torch.cdist(features, self.means(), compute_mode="donot_use_mm_for_euclid_dist")

    def means(self) -> Float[Tensor, "classes features"]:
        """The mean activations of each class."""
        return self.sums / self.shares.clamp(min=1e-12)[:, None]

    @torch.no_grad()
    @in_full_precision
    def observe(self, features: Features, targets: Columns) -> None:
        check_magnitude("features", features)
        share = self.fading.add(len(features))
        self.sums.lerp_(targets.T @ features / len(features), share)
        self.shares.lerp_(targets.mean(0), share)

    def get_extra_state(self) -> dict[str, float]:
        return {"weight": self.fading.weight}

    def set_extra_state(self, state: Any) -> None:
        self.fading.weight = float(state["weight"])


class AssignmentReadout(ClassMeansReadout):
    """One unit of the last block for each class: the assignment of the largest mean activations, by training labels.

    The paper's "unformatted" readout. Its code goes through the classes greedily, with the labels of the evaluated set.

    Args:
        features: number of units of the last block; at least the number of classes.
        encoder: of the targets, which are classes.
        horizon: how many samples back the class means reach.

    Raises:
        ValueError: for targets that are no classes, or too few units.
    """

    def __init__(self, features: int, encoder: TargetEncoder, *, horizon: float = 10_000.0) -> None:
        _check_classes("assignment", encoder)
        super().__init__(features, encoder, horizon=horizon)
        if features < encoder.width:
            raise ValueError(
                f"assignment needs a unit for each of {encoder.width} classes; the last block has {features}"
            )

    def forward(self, features: Features) -> Columns:
        return features[:, self.units()]

    def units(self) -> Tensor:
        """The unit that stands for each class."""
        from scipy.optimize import linear_sum_assignment  # a second of every start, wanted by few

        _, units = linear_sum_assignment(self.means().cpu().numpy(), maximize=True)
        return torch.from_numpy(units).to(self.sums.device)


class SoftmaxReadout(Readout):
    """One linear layer on the last block, trained by cross-entropy: the head of the paper's "format" training.

    Args:
        features: number of units of the last block.
        encoder: of the targets, which are classes.

    Raises:
        ValueError: for targets that are no classes.
    """

    def __init__(self, features: int, encoder: TargetEncoder) -> None:
        super().__init__()
        _check_classes("softmax", encoder)
        self.linear = nn.Linear(features, encoder.width)

    def forward(self, features: Features) -> Columns:
        return self.linear(features)

    def loss(self, features: Features, targets: Columns) -> Float[Tensor, ""]:
        return functional.cross_entropy(self(features), targets)


def _check_classes(name: str, encoder: TargetEncoder) -> None:
    if not encoder.has_classes:
        raise ValueError(f'readout="{name}" needs classes, got {type(encoder).__name__} targets; use readout="ridge"')
