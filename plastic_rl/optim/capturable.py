"""Methods whose steps a CUDA graph can replay, as long as the host has nothing to do in them."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch

from plastic_rl.optim.base import PlasticOptimizer
from plastic_rl.optim.unit_clock import clock_of


class Capturable(PlasticOptimizer, ABC):
    """A method that says before each step whether the host is needed in it.

    Args:
        optimizer: the optimiser to wrap.
    """

    @abstractmethod
    def falls_due(self) -> bool:
        """True if units may be replaced after the next update; the host knows without asking the device."""

    @abstractmethod
    def count_step(self) -> None:
        """Counts an update that the host took no part in: the replay of a CUDA graph.

        ::

            if optimizer.needs_host():
                train_step()  # as captured, but eager
            else:
                graph.replay()
                optimizer.count_step()
        """

    def needs_host(self) -> bool:
        """True if the next step is none that a CUDA graph could replay.

        Units may fall due after it, or Adam's steps of young units are corrected in it.
        """
        clock = clock_of(self)
        return self.falls_due() or (clock is not None and clock.has_young_units)

    def check_capture(self) -> None:
        """Refuses to have a step captured that a CUDA graph could not replay.

        Raises:
            RuntimeError: the next step needs the host.
        """
        if self.needs_host():
            raise RuntimeError("a CUDA graph of a step that needs the host: capture one while needs_host() is False")


def is_capturing() -> bool:
    """True if a CUDA graph is being captured: what runs now is written down, not done."""
    return torch.cuda.is_initialized() and torch.cuda.is_current_stream_capturing()
