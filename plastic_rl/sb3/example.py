"""Inputs for any network of an SB3 policy: one of zeros, with which its layers are found, and ones of observations."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BaseModel
from stable_baselines3.common.preprocessing import get_action_dim
from torch import Tensor


def example(network: BaseModel) -> tuple[Any, ...]:
    """An input of zeros for a policy, an actor or a critic, as ``network(*example)``.

    Raises:
        ValueError: the network's forward pass needs something that no network of SB3 and sb3-contrib does.
    """
    return inputs_of(network, zeros_of(network.observation_space))


def inputs_of(network: BaseModel, observations: Any, actions: Any = None) -> tuple[Any, ...]:
    """The inputs for a policy, an actor or a critic that sees these observations, as ``network(*inputs)``.

    Actions beside several observations are those given, or drawn from [-1, 1]; beside a single one they are zeros. A
    recurrent policy takes the observations for one sequence, and begins it without a memory.

    Args:
        network: any of the networks of a policy.
        observations: one of the network's space, or a batch of them.
        actions: those beside a batch of observations, scaled as the network takes them.

    Raises:
        ValueError: the network's forward pass needs something that no network of SB3 and sb3-contrib does.
    """
    tensor, is_batch = network.obs_to_tensor(observations)
    arguments = list(inspect.signature(network.forward).parameters.values())[1:]
    needed = [argument.name for argument in arguments if argument.default is inspect.Parameter.empty]
    unknown = [name for name in needed if name not in BESIDE]
    if unknown:
        raise ValueError(
            f"{type(network).__name__}.forward needs {unknown}, of which no example is known; "
            f"known beside the observation: {list(BESIDE)}"
        )
    beside = {name: BESIDE[name](network) for name in needed}
    if not is_batch:
        return (tensor, *beside.values())
    count = len(next(iter(tensor.values())) if isinstance(tensor, dict) else tensor)
    taken = None if actions is None else torch.as_tensor(actions, device=network.device)
    is_given = {name: taken is not None and name in ("action", "actions") for name in beside}
    return (tensor, *(taken if is_given[name] else spread(each, count) for name, each in beside.items()))


def spread(argument: Any, count: int) -> Any:
    """The input beside one observation, for a batch of them: actions are drawn from [-1, 1]."""
    if not isinstance(argument, Tensor):
        return argument
    if argument.ndim == 1:
        return argument.expand(count)
    return torch.empty(count, argument.shape[1], device=argument.device).uniform_(-1, 1)


def zeros_of(space: spaces.Space[Any]) -> Any:
    """An observation of zeros (or their nearest member) of a space."""
    if isinstance(space, spaces.Dict):
        return {name: zeros_of(part) for name, part in space.spaces.items()}
    if isinstance(space, spaces.Discrete):
        return np.array(space.start)
    return np.zeros(space.shape or (), dtype=space.dtype)


def no_action(network: BaseModel) -> Tensor:
    """The input of a critic: a batch of one action of zeros."""
    return torch.zeros(1, get_action_dim(network.action_space), device=network.device)


def no_memory(network: Any) -> Any:
    """The memory that a recurrent policy reads: hidden and cell states of zeros, for its actor and its critic."""
    from sb3_contrib.common.recurrent.type_aliases import RNNStates

    def zeros() -> tuple[Tensor, Tensor]:
        shape = network.lstm_hidden_state_shape
        return torch.zeros(shape, device=network.device), torch.zeros(shape, device=network.device)

    return RNNStates(zeros(), zeros())


def no_start(network: BaseModel) -> Tensor:
    """The flag that a recurrent policy reads: that no episode starts."""
    return torch.zeros(1, device=network.device)


# What a forward pass is given beside the observation, by the name of the argument.
BESIDE: dict[str, Callable[[Any], Any]] = {
    "action": no_action,
    "actions": no_action,
    "lstm_states": no_memory,
    "episode_starts": no_start,
}
