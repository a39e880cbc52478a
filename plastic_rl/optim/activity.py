"""Records how active units are, where their readers take them in."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from plastic_rl.layers import Port
from plastic_rl.optim.watching import WatchingHook, state_dtype


class ActivityRecorder(WatchingHook):
    """A hook on a reader's input: the tensor that meets the outgoing weights, whatever lies before it.

    Records the last forward pass that built a graph, so that acting, evaluation and target networks (which run under
    `torch.no_grad`) leave it alone. One recorder follows one reader. Averages are over everything but the columns:
    samples, the places of a convolution, and what `torch.func.vmap` maps over.

    Args:
        port: where the reader meets the units.
        keeps_mean: record the mean of h.
    """

    is_vectorized = False
    """True where it runs inside a `torch.func.vmap` whose results are wanted for each of what is mapped over."""

    def __init__(self, port: Port, *, keeps_mean: bool = False) -> None:
        self.port = port
        self.keeps_mean = keeps_mean
        self.keeps_magnitude = True
        self.centre: Float[Tensor, " columns"] | None = None
        self.magnitude: Float[Tensor, " columns"] | None = None
        self.mean: Float[Tensor, " columns"] | None = None
        self.was_heard = False
        self._axis = port.axis
        self._dtype = state_dtype(port.weight)  # under autocast, activations have less precision than that
        self._handle = port.attach(self)

    def __call__(self, module: nn.Module, *seen: Any) -> None:
        if not torch.is_grad_enabled():
            return
        self.was_heard = True
        if self.keeps_magnitude or self.keeps_mean:
            heard = self.port.heard(*seen).detach()
            self.record(heard if self.is_vectorized or torch.compiler.is_compiling() else untransformed(heard))

    def record(self, activations: Float[Tensor, "..."]) -> None:
        """Takes the mean of h, and of |h| or, where there is a centre, of |h - centre|."""
        columns = activations.ndim + self._axis
        others = [axis for axis in range(activations.ndim) if axis != columns]
        if self.keeps_mean:
            self.mean = average(activations, others, self._dtype)
        if self.keeps_magnitude:
            centre = self.centre
            if centre is not None:
                activations = activations - centre.to(activations.device).view(
                    -1, *[1] * (activations.ndim - columns - 1)
                )
            self.magnitude = average(activations.abs(), others, self._dtype)

    def clear(self) -> None:
        """Forgets what was recorded, so that no pass counts twice."""
        self.magnitude = self.mean = None

    def move(self, device: torch.device, dtype: torch.dtype) -> None:
        """Goes on in numbers of another kind, or on another device."""
        self._dtype = dtype
        for name in ("centre", "magnitude", "mean"):
            kept = getattr(self, name)
            setattr(self, name, None if kept is None else kept.to(device, dtype))

    def remove(self) -> None:
        """Takes the hook off."""
        self._handle.remove()


def average(values: Float[Tensor, "..."], axes: list[int], dtype: torch.dtype) -> Float[Tensor, " columns"]:
    """The mean over some axes; over none it is the tensor itself (torch would take the mean over all)."""
    return values.mean(axes, dtype=dtype) if axes else values.to(dtype)


def untransformed(tensor: Tensor) -> Tensor:
    """The tensor that `torch.func` transforms have wrapped; what `vmap` maps over becomes its first axis."""
    functorch = torch._C._functorch  # pyright: ignore[reportAttributeAccessIssue]
    while functorch.is_functorch_wrapped_tensor(tensor):
        mapped = functorch.maybe_get_bdim(tensor) if functorch.is_batchedtensor(tensor) else None
        tensor = functorch.get_unwrapped(tensor)
        tensor = tensor if mapped is None else tensor.movedim(mapped, 0)
    return tensor
