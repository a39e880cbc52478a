"""The demands of the loss on hidden units: gradients at their incoming weights, and where readers take them in."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.layers import HiddenLayer, Port
from plastic_rl.optim.continual_backprop import incoming_magnitude
from plastic_rl.optim.recorder import Recorder, average


def incoming_gradient(layer: HiddenLayer) -> Float[Tensor, " units"] | None:
    """Σ_j |∂L/∂w_ij| over the incoming weights of each unit, as many for each; None where there is no gradient."""
    gradients = [(port, port.gradient) for port in layer.produced_by]
    sums = [port.per_unit(incoming_magnitude(each)) for port, each in gradients if each is not None]
    return torch.stack(sums).sum(0) if sums else None


class GradientRecorder(Recorder):
    """Records mean |∂L/∂h| over samples and places, h being what a reader takes in: the sum over backward passes.

    It hears forward passes, and hangs a hook on the tensor itself; no graph is kept alive for it.

    Args:
        port: where the reader meets the units.
    """

    values = ("magnitude",)
    detaches = False

    def __init__(self, port: Port) -> None:
        self.magnitude: Float[Tensor, " columns"] | None = None
        self.is_wanted, self.has_run = True, False
        super().__init__(port)

    @property
    def is_listening(self) -> bool:
        return self.is_wanted

    def listen(self, is_wanted: bool) -> None:
        self.is_wanted, self.has_run = is_wanted, False

    def hear(self, activations: Float[Tensor, "..."]) -> None:
        self.has_run = True
        if activations.requires_grad:
            activations.register_hook(self.record)

    @torch.no_grad()
    def record(self, gradient: Float[Tensor, "..."]) -> None:
        """Adds what one backward pass brings."""
        latest = average(gradient.abs(), self.over_all_but_columns(gradient), self._dtype)
        self.magnitude = latest if self.magnitude is None else self.magnitude + latest
