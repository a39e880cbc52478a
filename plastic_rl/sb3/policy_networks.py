"""The networks of an SB3 policy that are trained, by their places in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn
from torch.optim import Optimizer

from plastic_rl.sb3.attachment import Q_NETWORKS


def trained_networks(policy: nn.Module) -> Iterator[tuple[str, Any]]:
    """Each network that an optimiser trains, by its name in the policy: "" for the policy as a whole, "actor", "q_net".

    Target networks have no optimiser and are not among them.
    """
    for name, module in policy.named_modules():
        if isinstance(getattr(module, "optimizer", None), Optimizer):
            inside = next((each for each in Q_NETWORKS if hasattr(module, each)), None)
            yield (name, module) if inside is None else (joined(name, inside), getattr(module, inside))


def joined(*names: str) -> str:
    """The name of a module inside modules."""
    return ".".join(name for name in names if name)
