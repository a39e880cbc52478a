"""The rollouts of several seeds in minibatches, each in an order of its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from plastic_rl.sb3.lean.minibatches import Minibatch, Minibatches
from plastic_rl.sb3.seeds.member import Member


class StackedMinibatches:
    """The rollouts of some seeds, that can be gone through again and again.

    Args:
        members: each with a full rollout.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self.size, self.count = members[0].model.batch_size, len(members)
        parts = [_parts(member) for member in members]
        self.length = len(parts[0][0])
        self.parts = [torch.cat(of_seeds) for of_seeds in zip(*parts, strict=True)]
        self.places = {member: place * self.length for place, member in enumerate(members)}

    def epoch(self, members: Sequence[Member]) -> list[Minibatch]:
        """All transitions of some of the seeds once, in new orders: minibatches with a first axis of seeds."""
        orders = torch.stack(
            [
                torch.as_tensor(member.generators.numpy.permutation(self.length)) + self.places[member]
                for member in members
            ]
        )
        pieces = orders.split(self.size, 1)
        together = torch.cat([piece.flatten() for piece in pieces])
        sizes = [piece.numel() for piece in pieces]
        shuffled = [part.index_select(0, together).split(sizes) for part in self.parts]
        shaped = [[rows.unflatten(0, (len(members), -1)) for rows in part] for part in shuffled]
        return [Minibatch(*each) for each in zip(*shaped, strict=True)]


def _parts(member: Member) -> list[Tensor]:
    model = member.model
    return Minibatches(model.rollout_buffer, model.batch_size, is_discrete=not hasattr(model.policy, "log_std")).parts


def of_seeds(batch: Minibatch, places: Sequence[int]) -> Minibatch:
    """The minibatches of some of the seeds alone."""
    kept = torch.tensor(places)
    return Minibatch(*[part.index_select(0, kept) for part in batch])
