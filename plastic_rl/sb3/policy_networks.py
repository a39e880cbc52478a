"""The networks of an SB3 policy that are trained, by their places in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from plastic_rl.sb3.attachment import network_of
from plastic_rl.sb3.optimizer_slots import optimizer_slots


def trained_networks(policy: nn.Module) -> Iterator[tuple[str, Any]]:
    """Each network that an optimiser trains, by its name in the policy: "" for the policy as a whole, "actor", "q_net".

    Target networks have no optimiser and are not among them.
    """
    names = {module: name for name, module in policy.named_modules()}
    for network in dict.fromkeys(network_of(slot) for slot in optimizer_slots(policy)):
        yield names[network], network


def joined(*names: str) -> str:
    """The name of a module inside modules."""
    return ".".join(name for name in names if name)
