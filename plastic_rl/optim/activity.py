"""Records how active units are, where their readers take them in."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from plastic_rl.layers import Port


class ActivityRecorder:
    """A hook on a reader's input: the tensor that meets the outgoing weights, whatever lies before it.

    Records the last forward pass that built a graph, so that acting, evaluation and target networks (which run under
    `torch.no_grad`) leave it alone. One recorder follows one reader.

    Args:
        port: where the reader meets the units.
        is_centred: record |h - centre| rather than |h|.
        keeps_mean: also record the mean of h.
    """

    def __init__(self, port: Port, *, is_centred: bool = False, keeps_mean: bool = False) -> None:
        self.port = port
        self.is_centred = is_centred
        self.keeps_mean = keeps_mean or is_centred
        self.centre: Float[Tensor, " columns"] | None = None
        self.magnitude: Float[Tensor, " columns"] | None = None
        self.mean: Float[Tensor, " columns"] | None = None
        self._axis = port.axis
        self._handle = port.attach(self)

    def __call__(self, module: nn.Module, *seen: Any) -> None:
        if torch.is_grad_enabled():
            self.record(self.port.heard(*seen).detach())

    @torch.no_grad()
    def record(self, activations: Float[Tensor, "..."]) -> None:
        """Averages an input of the reader over everything but its columns (samples, and places of a convolution)."""
        if self._axis != -1:
            activations = activations.movedim(self._axis, -1)
        samples = activations.reshape(-1, activations.shape[-1])
        if self.keeps_mean:
            self.mean = samples.mean(0)
        if self.centre is not None:
            samples = samples - self.centre
        self.magnitude = samples.abs().mean(0)

    def clear(self) -> None:
        """Forgets what was recorded, so that no pass counts twice."""
        self.magnitude = self.mean = None

    def remove(self) -> None:
        """Takes the hook off."""
        self._handle.remove()
