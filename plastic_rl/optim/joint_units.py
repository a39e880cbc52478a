"""The units of several layers as one, so that an update of all of them takes as few operations as one of a layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor

from plastic_rl.layers import HiddenLayer


@runtime_checkable
class Held(Protocol):
    """A record that keeps tensors of a layer's units, whose first axis is that of the units."""

    layer: HiddenLayer

    def tensors(self) -> list[Tensor]:
        """The tensors."""
        ...

    def hold(self, tensors: Iterator[Tensor]) -> None:
        """Keeps its state in other tensors from now on, taken in the order of :meth:`tensors`."""
        ...


Holder = TypeVar("Holder", bound=Held)


class JointUnits(Generic[Holder]):
    """Layers of one device, and the tensors of their units in one each: those of a layer are views from now on.

    Args:
        layers: what keeps the tensors of each layer.
    """

    def __init__(self, layers: Sequence[Holder]) -> None:
        self.layers = list(layers)
        self.sizes = [each.layer.units for each in layers]
        self.tensors = [torch.cat(same) for same in zip(*(each.tensors() for each in layers), strict=True)]
        parts = [tensor.split(self.sizes) for tensor in self.tensors]
        for place, each in enumerate(layers):
            each.hold(iter([part[place] for part in parts]))
        owner = torch.arange(len(layers)).repeat_interleave(torch.tensor(self.sizes))
        self.owner = owner.to(self.tensors[0].device)


def by_device(layers: Sequence[Holder]) -> list[JointUnits[Holder]]:
    """The layers of each device, joined."""
    devices = dict.fromkeys(each.tensors()[0].device for each in layers)
    return [JointUnits([each for each in layers if each.tensors()[0].device == device]) for device in devices]


class JoinsUnits(Generic[Holder]):
    """Mixed into a method that keeps the units of its layers together."""

    watched: list[Holder]
    _joint: tuple[list[Holder], list[JointUnits[Holder]]] | None = None

    @property
    def joint(self) -> list[JointUnits[Holder]]:
        """The layers of each device, joined when they are first asked for."""
        if self._joint is None or self._joint[0] is not self.watched:
            self._joint = (self.watched, by_device(self.watched))
        return self._joint[1]

    def moved(self) -> None:
        """Joins them anew, where they are now."""
        self._joint = None

    def __getstate__(self) -> dict[str, Any]:
        # Tensors that share memory are pickled apart: a copy joins them anew.
        state: Any = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_joint"}
