"""A world that changes without a word."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete


class Sides(gymnasium.Env):
    """A point that noise and the agent push about, in another direction after every so many steps; nothing says so."""

    observation_space, action_space = Box(-np.inf, np.inf, (2,), np.float32), Discrete(2)

    def __init__(self, change_every: int, length: int = 25) -> None:
        self.change_every, self.length, self.steps = change_every, length, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.step_of_episode, self.place = 0, self.np_random.normal(size=2)
        return self.place.astype(np.float32), {}

    def step(self, action):
        self.steps, self.step_of_episode = self.steps + 1, self.step_of_episode + 1
        sense = -1 if (self.steps // self.change_every) % 2 else 1
        push = sense * np.array([action - 0.5, 0.5 * self.place[0]])
        self.place = 0.9 * self.place + push + 0.02 * self.np_random.normal(size=2)
        return self.place.astype(np.float32), float(sense), self.step_of_episode == self.length, False, {}

    def state_dict(self) -> dict[str, Any]:
        own = {"steps": self.steps, "step_of_episode": self.step_of_episode, "place": self.place.tolist()}
        return own | {"random": self.np_random.bit_generator.state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps, self.step_of_episode = state["steps"], state["step_of_episode"]
        self.place = np.array(state["place"])
        self.np_random.bit_generator.state = state["random"]
