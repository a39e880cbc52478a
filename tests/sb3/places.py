"""A world of places, each a task, and small policies in it."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Discrete

A, B = '{"place": 0}', '{"place": 1}'
SMALL = {"batch_size": 8, "n_epochs": 2, "policy_kwargs": {"net_arch": [8]}, "seed": 0, "device": "cpu"}


class Places(gymnasium.Env):
    """Episodes of a few steps at given places; the observation is the place and the step."""

    observation_space, action_space = Box(-10, 10, (2,)), Discrete(2)

    def __init__(self, places: list[int], length: int) -> None:
        self.places, self.length, self.episode = places, length, -1

    def parameters(self, index: int) -> dict[str, Any]:
        return {"index": index, "place": self.places[0]}

    def reset(self, *, seed=None, options=None):
        self.episode, self.step_of_episode = self.episode + 1, 0
        return self.seen(), self.told()

    def step(self, action):
        self.step_of_episode += 1
        return self.seen(), float(action), self.step_of_episode == self.length, False, self.told()

    def seen(self):
        return np.array([self.place(), self.step_of_episode], np.float32)

    def told(self):
        return {"task": {"index": self.episode, "place": self.place()}}

    def place(self) -> int:
        return self.places[min(self.episode, len(self.places) - 1)]


def weights(model: Any) -> torch.Tensor:
    """All parameters of a policy."""
    return torch.nn.utils.parameters_to_vector(model.policy.parameters()).detach().clone()
