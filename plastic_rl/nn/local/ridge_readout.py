"""The readout in closed form, for features that do not keep still."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from plastic_rl.nn.local.readouts import Features, Readout
from plastic_rl.nn.local.targets import Columns, TargetEncoder
from plastic_rl.nn.moments import RunningMoments


class RidgeReadout(Readout):
    """Ridge regression on the features of all blocks in closed form, from running statistics.

    A local objective leaves rotations of the features free, so that a head that is trained by gradients chases them;
    this one is solved anew. Columns of its weight that become zero behind its back (:class:`plastic_rl.optim
    .ContinualBackprop` silences newborn units) stay so until their units have a past to be read from.

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
        linear = nn.utils.skip_init(nn.Linear, features, encoder.width)  # draws no random numbers
        assert isinstance(linear, nn.Linear)
        self.linear = linear.requires_grad_(False)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        self.register_buffer("heard", torch.zeros(features, dtype=torch.bool))

    heard: Tensor

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
        self.heard.copy_((weights != 0).any(1))
        self.unread = 0

    @torch.no_grad()
    def take_newborns(self) -> Bool[Tensor, " features"]:
        newborn = self.heard & (self.linear.weight == 0).all(0)
        self.moments.forget(newborn)
        self.heard &= ~newborn
        return newborn

    def get_extra_state(self) -> dict[str, int]:
        return {"unread": self.unread}

    def set_extra_state(self, state: Any) -> None:
        self.unread = int(state["unread"])
