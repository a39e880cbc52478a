"""The rollout in minibatches, as `RolloutBuffer.get` cuts it, with one copy an epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from stable_baselines3.common.buffers import RolloutBuffer
from torch import Tensor

from plastic_rl.sb3.lean.networks import as_rows

# What SB3 flattens when a rollout is first learned from, and callbacks find flat from then on.
FIELDS = ("observations", "actions", "values", "log_probs", "advantages", "returns")


class Minibatch(NamedTuple):
    """The transitions that one step learns from, a row or a number for each."""

    observations: Tensor
    actions: Tensor
    old_values: Tensor
    old_log_probs: Tensor
    advantages: Tensor
    returns: Tensor


class Minibatches:
    """A rollout that can be gone through again and again, in an order drawn from NumPy's global generator.

    Args:
        buffer: a full rollout.
        size: of a minibatch; the last may be smaller.
        is_discrete: actions are whole numbers.
    """

    def __init__(self, buffer: RolloutBuffer, size: int, *, is_discrete: bool) -> None:
        assert buffer.full, "there is no whole rollout to learn from"
        if not buffer.generator_ready:
            for name in FIELDS:
                setattr(buffer, name, buffer.swap_and_flatten(getattr(buffer, name)))
            buffer.generator_ready = True
        self.size = size
        observations, actions, *numbers = (getattr(buffer, name) for name in FIELDS)
        kept = torch.as_tensor(actions)
        self.parts = [
            as_rows(observations),
            kept.long().flatten() if is_discrete else kept.float(),
            *(torch.as_tensor(each).flatten() for each in numbers),
        ]

    def epoch(self) -> Iterator[Minibatch]:
        """All transitions once, in a new order."""
        order = torch.as_tensor(np.random.permutation(len(self.parts[0])))  # noqa: NPY002 -- as SB3 draws it
        shuffled = [part.index_select(0, order) for part in self.parts]
        yield from map(Minibatch._make, zip(*(part.split(self.size) for part in shuffled), strict=True))
