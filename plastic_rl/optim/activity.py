"""Records how active units are, where their readers take them in."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.layers import Port
from plastic_rl.optim.recorder import Recorder, average


class ActivityRecorder(Recorder):
    """Records the last forward pass that built a graph, by averages over samples and the places of a convolution.

    Args:
        port: where the reader meets the units.
        keeps_mean: record the mean of h.
        deviates: record the mean of |h - E h| in place of |h|, E h being the mean of the same pass.
    """

    values = ("magnitude", "mean")

    def __init__(self, port: Port, *, keeps_mean: bool = False, deviates: bool = False) -> None:
        self.keeps_mean, self.deviates = keeps_mean, deviates
        self.keeps_magnitude = True
        self.centre: Float[Tensor, " columns"] | None = None
        self.magnitude: Float[Tensor, " columns"] | None = None
        self.mean: Float[Tensor, " columns"] | None = None
        super().__init__(port)

    @property
    def is_listening(self) -> bool:
        return self.keeps_magnitude or self.keeps_mean

    def listen(self, is_wanted: bool) -> None:
        self.keeps_magnitude = is_wanted

    def hear(self, activations: Float[Tensor, "..."]) -> None:
        """Takes the mean of h, and of |h| or, where there is a centre, of |h - centre|."""
        others = self.over_all_but_columns(activations)
        if self.keeps_mean:
            self.mean = average(activations, others, self._dtype)
        if self.keeps_magnitude:
            centre = average(activations, others, self._dtype) if self.deviates else self.centre
            if centre is not None:
                activations = activations - centre.to(activations.device).view(-1, *[1] * (-1 - self._axis))
            self.magnitude = average(activations.abs(), others, self._dtype)

    def move(self, device: torch.device, dtype: torch.dtype) -> None:
        super().move(device, dtype)
        self.centre = None if self.centre is None else self.centre.to(device, dtype)
