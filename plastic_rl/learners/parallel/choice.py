"""Several seeds: as one batched network where that is quicker, else in turn."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.modules.conv import _ConvNd

from plastic_rl.learners.backprop import Backprop
from plastic_rl.learners.learner import Blueprint, Learner
from plastic_rl.learners.parallel.batched import BatchedBackprop
from plastic_rl.learners.parallel.one_by_one import OneByOne
from plastic_rl.streams.stream import Stream


def backprop_learner(blueprint: Blueprint, streams: Sequence[Stream], *, device: torch.device | str = "cpu") -> Learner:
    """One network, or one for each of several streams, trained as a batch where that is quicker than in turn.

    Args:
        blueprint: how a network and its optimiser are made.
        streams: one for each seed.
        device: where they live.
    """
    if len(streams) > 1 and is_quicker_as_one(blueprint, device):
        return BatchedBackprop(blueprint, streams, device=device)
    learners = [Backprop(blueprint, stream, seed=stream.seed, device=device) for stream in streams]
    return learners[0] if len(learners) == 1 else OneByOne(learners)


def is_quicker_as_one(blueprint: Blueprint, device: torch.device | str) -> bool:
    """Whether to train seeds as one batched network: not convolutions on a CPU, nor compiled methods."""
    if blueprint.compiles and blueprint.plasticity is not None:
        return False  # what watches the layers of all seeds at once cannot be compiled
    convolves = any(isinstance(module, _ConvNd) for module in blueprint.draw_network(0).modules())
    return torch.device(device).type != "cpu" or not convolves
