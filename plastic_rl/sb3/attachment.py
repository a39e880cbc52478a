"""Finds what an SB3 policy trains, and wraps the optimisers that train it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy, ContinuousCritic
from torch import nn
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.optim import PlasticOptimizer

# A method minus the optimiser and the layers that it will wrap, e.g. partial(ContinualBackprop, replacement_rate=1e-4).
Plasticity = Callable[[Optimizer, list[HiddenLayer]], PlasticOptimizer]

# Policies whose own forward pass ends in a greedy action keep the network that they train under one of these names.
Q_NETWORKS = ("q_net", "quantile_net")


def attach(policy: BasePolicy, plasticity: Plasticity) -> None:
    """Wraps each optimiser of a policy with a method, over the hidden layers that this optimiser trains.

    Target networks have no optimiser and are left alone.

    Raises:
        ValueError: a layer's units cannot be replaced (the message names it), or a hyper-parameter is out of range.
    """
    for owner in optimiser_owners(policy):
        owner.optimizer = plasticity(owner.optimizer, trained_layers(owner))


def optimiser_owners(policy: nn.Module) -> list[Any]:
    """The modules of a policy that own an optimiser: the policy itself, or its actor and critic."""
    return [module for module in policy.modules() if isinstance(getattr(module, "optimizer", None), Optimizer)]


def plastic_optimizers(policy: nn.Module) -> list[PlasticOptimizer]:
    """The wrapped optimisers of a policy."""
    return [owner.optimizer for owner in optimiser_owners(policy) if isinstance(owner.optimizer, PlasticOptimizer)]


def trained_layers(owner: Any) -> list[HiddenLayer]:
    """The hidden layers of a module that its own optimiser trains."""
    network = next((getattr(owner, name) for name in Q_NETWORKS if hasattr(owner, name)), owner)
    trained = {id(parameter) for group in owner.optimizer.param_groups for parameter in group["params"]}
    layers = hidden_layers(network, *example(network))
    return [layer for layer in layers if all(id(tensor) in trained for tensor in layer.parameters())]


def example(network: BasePolicy) -> tuple[Any, ...]:
    """An input of zeros for a policy, an actor or a critic."""
    observation, _ = network.obs_to_tensor(zeros_of(network.observation_space))
    if not isinstance(network, ContinuousCritic):
        return (observation,)
    actions = torch.zeros(1, int(np.prod(network.action_space.shape or (1,))), device=network.device)
    return (observation, actions)


def zeros_of(space: spaces.Space[Any]) -> Any:
    """An observation of zeros (or their nearest member) of a space."""
    if isinstance(space, spaces.Dict):
        return {name: zeros_of(part) for name, part in space.spaces.items()}
    if isinstance(space, spaces.Discrete):
        return np.array(space.start)
    return np.zeros(space.shape or (), dtype=space.dtype)


def layers_of(policy: nn.Module) -> Iterator[HiddenLayer]:
    """The hidden layers of all networks that a policy trains."""
    for owner in optimiser_owners(policy):
        yield from trained_layers(owner)
