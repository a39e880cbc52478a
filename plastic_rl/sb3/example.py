"""One input of zeros for any network of an SB3 policy: what its layers are found with."""

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
    observation, _ = network.obs_to_tensor(zeros_of(network.observation_space))
    arguments = list(inspect.signature(network.forward).parameters.values())[1:]
    needed = [argument.name for argument in arguments if argument.default is inspect.Parameter.empty]
    unknown = [name for name in needed if name not in BESIDE]
    if unknown:
        raise ValueError(
            f"{type(network).__name__}.forward needs {unknown}, of which no example is known; "
            f"known beside the observation: {list(BESIDE)}"
        )
    return (observation, *(BESIDE[name](network) for name in needed))


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
