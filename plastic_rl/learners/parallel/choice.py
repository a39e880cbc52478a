"""Several seeds: as one batched network where that is quicker, else in turn."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.dropout import _DropoutNd
from torch.optim import Optimizer

from plastic_rl.learners.backprop import Backprop
from plastic_rl.learners.learner import Blueprint, Learner
from plastic_rl.learners.parallel.batched import BatchedBackprop
from plastic_rl.learners.parallel.one_by_one import OneByOne
from plastic_rl.optim import innermost, methods_in
from plastic_rl.streams.stream import Stream

ENTRYWISE = frozenset[type[Optimizer]](
    {
        *(torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.Adamax, torch.optim.NAdam),
        *(torch.optim.RAdam, torch.optim.RMSprop, torch.optim.Adagrad, torch.optim.Adadelta, torch.optim.ASGD),
        torch.optim.Rprop,
    }
)


def backprop_learner(blueprint: Blueprint, streams: Sequence[Stream], *, device: torch.device | str = "cpu") -> Learner:
    """One network, or one for each of several streams, trained as a batch where that is quicker than in turn.

    Args:
        blueprint: how a network and its optimiser are made.
        streams: one for each seed.
        device: where they live.
    """
    first = Backprop(blueprint, streams[0], seed=streams[0].seed, device=device)
    if len(streams) == 1:
        return first
    may_be_one = is_entrywise(first.optimizer) and is_vectorized(first.optimizer) and not draws(first.network)
    if may_be_one and is_quicker_as_one(blueprint, device):
        return BatchedBackprop(blueprint, streams, device=device)
    rest = [Backprop(blueprint, stream, seed=stream.seed, device=device) for stream in streams[1:]]
    return OneByOne([first, *rest])


def is_entrywise(optimizer: Optimizer) -> bool:
    """True if an optimiser is known to move each weight by its own gradients alone, in whatever tensor it stands.

    Others (Adafactor, Muon, LARS) look at a whole tensor, which would be that of all seeds.
    """
    kind = type(innermost(optimizer))
    clocked = (
        kind.__bases__ if kind.__module__.startswith("plastic_rl.") else ()
    )  # torch's, with a clock for single units
    return any(each in ENTRYWISE for each in (kind, *clocked))


def is_vectorized(optimizer: Optimizer) -> bool:
    """True if all methods of a stack have a form for several networks in one, of which one at most runs them."""
    forms = [method.vectorized for method in methods_in(optimizer)]
    return None not in forms and sum(form is not None and form.observes for form in forms) <= 1


def draws(network: nn.Module) -> bool:
    """True if a network draws random numbers while it learns: then each seed learns by itself, as it does alone."""
    return any(isinstance(module, (_DropoutNd, nn.RReLU)) for module in network.modules())


def is_quicker_as_one(blueprint: Blueprint, device: torch.device | str) -> bool:
    """True if to train seeds as one batched network: not convolutions on a CPU, nor compiled methods."""
    if blueprint.compiles and blueprint.plasticity is not None:
        return False  # what watches the layers of all seeds at once cannot be compiled
    convolves = any(isinstance(module, _ConvNd) for module in blueprint.draw_network(0).modules())
    return torch.device(device).type != "cpu" or not convolves
