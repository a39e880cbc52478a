"""The parameters of a policy by the layer that they belong to, and by the side: actor, critic, or both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor

OF_ACTOR = ("mlp_extractor.policy_net", "action_net", "log_std", "pi_features_extractor", "actor")
OF_CRITIC = ("mlp_extractor.value_net", "value_net", "vf_features_extractor", "critic", "q_net", "quantile_net")


@dataclass(frozen=True)
class Part:
    """The trained parameters of one layer.

    Args:
        name: where the layer is in the policy.
        side: "actor", "critic" or "shared".
        parameters: its own.
    """

    name: str
    side: str
    parameters: list[Tensor]


def parts_of(policy: Any, trained: set[int]) -> list[Part]:
    """The layers of a policy whose parameters an optimiser trains, in the policy's order.

    Args:
        policy: the policy.
        trained: the identities of the parameters that are trained.
    """
    layers: dict[str, list[Tensor]] = {}
    for name, parameter in policy.named_parameters():
        if id(parameter) in trained and parameter.requires_grad:
            layers.setdefault(name.rpartition(".")[0] or name, []).append(parameter)
    return [Part(name, _side(policy, name), parameters) for name, parameters in layers.items()]


def by_side(parts: list[Part]) -> Iterator[tuple[str, list[Part]]]:
    """The parts of each side that there is; where there is one side alone, none."""
    sides = list(dict.fromkeys(part.side for part in parts))
    for side in sides if len(sides) > 1 else ():
        yield side, [part for part in parts if part.side == side]


def _side(policy: Any, name: str) -> str:
    if name.startswith(OF_ACTOR):
        return "actor"
    if name.startswith(OF_CRITIC):
        return "critic"
    # Where the critic has a features extractor of its own, the actor's is the one that bears this name.
    is_own = name.startswith("features_extractor") and not getattr(policy, "share_features_extractor", True)
    return "actor" if is_own else "shared"
