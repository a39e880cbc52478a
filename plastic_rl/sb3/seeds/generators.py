"""The global random generators, as each of several seeds has them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


class OwnGenerators:
    """The generators of Python, NumPy and torch with which one seed of several goes on.

    `numpy` and `torch` draw what the global ones would draw in this seed's turn.
    """

    def __init__(self) -> None:
        self.numpy, self.torch = np.random.RandomState(), torch.Generator()
        self._take()

    def _take(self) -> None:
        self.python = random.getstate()
        self.numpy.set_state(np.random.get_state())  # noqa: NPY002 -- libraries still draw from it
        self.torch.set_state(torch.get_rng_state())

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Makes them the global ones for a ``with`` statement."""
        random.setstate(self.python)
        np.random.set_state(self.numpy.get_state())  # noqa: NPY002
        torch.set_rng_state(self.torch.get_state())
        try:
            yield
        finally:
            self._take()

    @contextmanager
    def of_torch_in_force(self) -> Iterator[None]:
        """Makes torch's the global one, in a hundredth of the time that all of them take."""
        torch.set_rng_state(self.torch.get_state())
        try:
            yield
        finally:
            self.torch.set_state(torch.get_rng_state())


def global_state() -> tuple[Any, ...]:
    """The state of NumPy's and torch's global generators, to be compared with another.

    Python's is left out: whatever checks types may draw from it.
    """
    _, words, *rest = np.random.get_state()  # noqa: NPY002
    return np.asarray(words).tobytes(), *rest, torch.get_rng_state().numpy().tobytes()
