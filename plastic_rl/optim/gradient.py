"""The demands of the loss on hidden units: gradients at their incoming weights, and where readers take them in."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from plastic_rl.layers import HiddenLayer, Port
from plastic_rl.optim.recorder import Recorder, average

# A processor takes the absolute values of this many numbers in memory that it has at hand (1.8 times as fast at
# 2000×2000).
SLAB = 2**20


def incoming_gradient(layer: HiddenLayer) -> Float[Tensor, " units"] | None:
    """Σ_j |∂L/∂w_ij| over the incoming weights of each unit, as many for each; None where there is no gradient."""
    gradients = [(port, port.gradient) for port in layer.produced_by]
    sums = [port.per_unit(magnitude_of_rows(each)) for port, each in gradients if each is not None]
    return None if not sums else sums[0] if len(sums) == 1 else torch.stack(sums).sum(0)


def is_reached(layer: HiddenLayer) -> Bool[Tensor, ""] | None:
    """True if the loss asks anything of what reads a layer's units; None where nobody knows, without a gradient there.

    Where it does not, the gradients of the units are zero whatever they do: the loss is flat (a minibatch of PPO's that
    is clipped throughout), or a layer between them and the loss is dead.
    """
    tensors = [tensor for port in layer.read_by for tensor in port.parameters]
    found = [tensor.grad.any() for tensor in tensors if tensor.grad is not None]
    return torch.stack(found).any() if found else None


def magnitude_of_rows(gradient: Float[Tensor, "rows *inputs"]) -> Float[Tensor, " rows"]:
    """Σ_j |g_ij|; on a processor a slab of rows at a time."""
    rows = gradient.flatten(1)
    if rows.is_cuda or rows.numel() <= SLAB:
        return rows.abs().sum(1)
    return torch.cat([part.abs().sum(1) for part in rows.split(max(1, SLAB // rows.shape[1]))])


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
