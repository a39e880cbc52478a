"""Hooks that hear the activations of hidden units, where their readers take them in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from plastic_rl.layers import Port
from plastic_rl.optim.watching import WatchingHook, are_hooks_paused, state_dtype


class Recorder(WatchingHook, ABC):
    """A hook on a reader's input: the tensor that meets the outgoing weights, whatever lies before it.

    Hears forward passes that build a graph, so that acting, evaluation and target networks (which run under
    `torch.no_grad`) leave it alone. One recorder follows one reader. What it takes of a pass is over everything but the
    columns: samples, the places of a convolution, and what `torch.func.vmap` maps over.

    Args:
        port: where the reader meets the units.
    """

    values: ClassVar[tuple[str, ...]]
    """The names of the attributes that hold what it has recorded, each a tensor or None."""

    is_vectorized = False
    """True where it runs inside a `torch.func.vmap` whose results are wanted for each of what is mapped over."""

    detaches = True
    """False where it needs what it hears as a part of the graph."""

    def __init__(self, port: Port) -> None:
        self.port = port
        self.was_heard = False
        self._axis = port.axis
        self._dtype = state_dtype(port.weight)  # under autocast, activations have less precision than that
        self._handle = port.attach(self)

    def __call__(self, module: nn.Module, *seen: Any) -> None:
        if not torch.is_grad_enabled() or are_hooks_paused():
            return
        self.was_heard = True
        if self.is_listening:
            # Not by way of a name of its own for what is attached: torch.jit.trace would take it up.
            heard = self.port.heard(*seen).detach() if self.detaches else self.port.heard(*seen)
            self.hear(heard if self.is_vectorized or torch.compiler.is_compiling() else untransformed(heard))

    @property
    @abstractmethod
    def is_listening(self) -> bool:
        """True if it takes note of what it hears now."""

    @abstractmethod
    def listen(self, is_wanted: bool) -> None:
        """Takes note of the next update, or does not."""

    @abstractmethod
    def hear(self, activations: Float[Tensor, "..."]) -> None:
        """Takes note of one forward pass."""

    def clear(self) -> None:
        """Forgets what was recorded, so that no pass counts twice."""
        for name in self.values:
            setattr(self, name, None)

    def over_all_but_columns(self, values: Float[Tensor, "..."]) -> list[int]:
        """The axes of samples and places: all but that of the columns."""
        columns = values.ndim + self._axis
        return [axis for axis in range(values.ndim) if axis != columns]

    def move(self, device: torch.device, dtype: torch.dtype) -> None:
        """Goes on in numbers of another kind, or on another device."""
        self._dtype = dtype
        for name in self.values:
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
