"""The agreement of the processes of one distributed training run, so that all of them replace the same units.

Each process sees its own share of the batch and so has its own averages. They are averaged when units are chosen, and
only then: a step that replaces nothing costs no communication.
"""

from __future__ import annotations

import torch
from torch import Tensor, distributed


def are_several() -> bool:
    """True if several processes train together (`torch.distributed` is in use)."""
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


@torch.no_grad()
def agreed(tensor: Tensor) -> Tensor:
    """The mean of a tensor over all processes, bit for bit the same in each; the tensor itself where there is one."""
    if not are_several():
        return tensor
    total = tensor.clone()
    distributed.all_reduce(total)
    return total / distributed.get_world_size()


def agreed_seed(seed: int) -> int:
    """The seed of the first process."""
    if not are_several():
        return seed
    seeds = [seed]
    distributed.broadcast_object_list(seeds, src=0)
    return seeds[0]
