"""The optimisers of a policy, wherever its modules and its algorithm keep them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from stable_baselines3.common.policies import BaseModel
from torch import nn
from torch.optim import Optimizer


@dataclass(eq=False)
class OptimizerSlot:
    """An optimiser, and all places where it is kept.

    Args:
        optimizer: the optimiser.
        owner: the module of the policy that it trains, or a part of which it trains.
        places: the objects, dicts and lists that hold it, each with the name, key or index.
    """

    optimizer: Optimizer
    owner: Any
    places: list[tuple[Any, Any]] = field(default_factory=list)

    @property
    def trained(self) -> set[int]:
        """The identities of the parameters that the optimiser has."""
        return {id(parameter) for group in self.optimizer.param_groups for parameter in group["params"]}

    def put(self, optimizer: Optimizer) -> None:
        """Puts another optimiser in all its places."""
        self.optimizer = optimizer
        for holder, key in self.places:
            if isinstance(holder, dict | list):
                holder[key] = optimizer
            else:
                setattr(holder, key, optimizer)


def optimizer_slots(policy: nn.Module, algorithm: Any = None) -> list[OptimizerSlot]:
    """The optimisers that train something of a policy, in the order of its modules.

    They are looked for in attributes of the policy's modules, and of the algorithm, and in dicts and lists there.

    Args:
        policy: the policy.
        algorithm: what trains it.
    """
    parameters = {id(parameter) for parameter in policy.parameters()}
    slots: dict[int, OptimizerSlot] = {}
    for holder in [*policy.modules(), *([] if algorithm is None else [algorithm])]:
        for optimizer, place in _kept_by(holder):
            slot = slots.setdefault(id(optimizer), OptimizerSlot(optimizer, holder))
            if slot.owner is holder and place[1] != "optimizer":
                slot.owner = _smallest(policy, slot.trained)
            slot.places.append(place)
    return [slot for slot in slots.values() if slot.trained & parameters]


def _kept_by(holder: Any) -> Iterator[tuple[Optimizer, tuple[Any, Any]]]:
    for name, value in list(vars(holder).items()):
        if isinstance(value, Optimizer):
            yield value, (holder, name)
        elif isinstance(value, dict | list):
            entries = value.items() if isinstance(value, dict) else enumerate(value)
            yield from ((each, (value, key)) for key, each in list(entries) if isinstance(each, Optimizer))


def _smallest(policy: nn.Module, trained: set[int]) -> nn.Module:
    """The smallest network of a policy that has all its parameters that an optimiser trains."""
    mine = {id(parameter) for parameter in policy.parameters()} & trained
    networks = [module for module in policy.modules() if isinstance(module, BaseModel)]
    having = [module for module in networks if mine <= {id(parameter) for parameter in module.parameters()}]
    return min(having, key=lambda module: sum(1 for _ in module.parameters()), default=policy)
