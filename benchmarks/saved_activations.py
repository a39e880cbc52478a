"""The bytes that autograd keeps for backward passes at most: what training without a global one saves."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterable
from types import TracebackType

import torch
from torch import Tensor


class Held:
    """A tensor that autograd holds on to."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


class SavedActivations:
    """Counts, while it is entered, the bytes of saved tensors that are alive; those that share memory count once.

    Args:
        parameters: what is not counted: weights are there anyway.
    """

    def __init__(self, parameters: Iterable[Tensor]) -> None:
        self.ignored = {parameter.untyped_storage().data_ptr() for parameter in parameters}
        self.holders: Counter[int] = Counter()
        self.live = self.peak = 0
        self._hooks = torch.autograd.graph.saved_tensors_hooks(self._pack, lambda held: held.tensor)

    def _pack(self, tensor: Tensor) -> Held:
        held, storage = Held(tensor), tensor.untyped_storage()
        address, size = storage.data_ptr(), storage.nbytes()
        if address not in self.ignored:
            if not self.holders[address]:
                self.live += size
                self.peak = max(self.peak, self.live)
            self.holders[address] += 1
            weakref.finalize(held, self._release, address, size)
        return held

    def _release(self, address: int, size: int) -> None:
        self.holders[address] -= 1
        if not self.holders[address]:
            self.live -= size

    def __enter__(self) -> SavedActivations:
        self._hooks.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hooks.__exit__(kind, error, trace)
