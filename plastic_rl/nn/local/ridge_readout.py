"""The readout in closed form, for features that do not keep still."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

from plastic_rl.layers import SolvedLinear
from plastic_rl.nn.local.readouts import Features, Readout
from plastic_rl.nn.local.targets import Columns, TargetEncoder
from plastic_rl.nn.moments import RunningMoments
from plastic_rl.optim import UnitsReplaced


class RidgeReadout(Readout):
    """Ridge regression on the features of all blocks in closed form, from running statistics.

    A local objective leaves rotations of the features free, so that a head that is trained by gradients chases them;
    this one is solved anew. Of units that were replaced it forgets the past (:meth:`forget`), so that they stay
    silent until there is something to be read from them.

    Args:
        features: number of features.
        encoder: of the targets.
        ridge: λ, relative to the mean variance of the features.
        horizon: how many samples back the statistics reach.
        refresh_every: solve at most once in so many batches, and then only when a prediction is asked for.
    """

    reads_all = True

    def __init__(
        self,
        features: int,
        encoder: TargetEncoder,
        *,
        ridge: float = 1e-2,
        horizon: float = 1024.0,
        refresh_every: int = 1,
    ) -> None:
        super().__init__()
        self.ridge, self.refresh_every, self.unread = ridge, refresh_every, 0
        self.moments = RunningMoments(features, encoder.width, horizon)
        self.linear = SolvedLinear(features, encoder.width)

    def forward(self, features: Features) -> Columns:
        if self.unread >= self.refresh_every:
            self.refresh()
        return self.linear(features)

    def observe(self, features: Features, targets: Columns) -> None:
        self.moments.update(features, targets)
        self.unread += 1

    @torch.no_grad()
    def refresh(self) -> None:
        """Solves for the weights with today's statistics."""
        scale = self.moments.covariance.diagonal().mean()
        weights = self.moments.weights(self.ridge * scale + torch.finfo(scale.dtype).eps)
        self.linear.weight.copy_(weights.T)
        self.linear.bias.copy_(self.moments.target_mean - self.moments.mean @ weights)
        self.unread = 0

    def features_of(self, replaced: Sequence[UnitsReplaced]) -> Bool[Tensor, " features"]:
        newborn = torch.zeros(self.linear.in_features, dtype=torch.bool, device=self.linear.weight.device)
        for event in replaced:
            for port in event.layer.read_by:
                if port.layer is self.linear:
                    newborn[port.positions(event.units)] = True
        return newborn

    def forget(self, features: Bool[Tensor, " features"]) -> None:
        self.moments.forget(features)

    def _load_from_state_dict(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, state_dict: dict[str, Any], prefix: str, *rest: Any
    ) -> None:
        state_dict.pop(f"{prefix}heard", None)  # what the readout kept until 0.1.0 to notice newborn units by itself
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def get_extra_state(self) -> dict[str, int]:
        return {"unread": self.unread}

    def set_extra_state(self, state: Any) -> None:
        self.unread = int(state["unread"])
