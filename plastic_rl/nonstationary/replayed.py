"""Environments whose state cannot be read, saved as the way that leads there."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, SupportsFloat

import gymnasium
import numpy as np
from gymnasium.utils import RecordConstructorArgs


class Replayed(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """An environment that is saved as the beginning of its episode and the actions since, and restored by living again.

    For worlds that nobody can look into (Box2D's). The environment must draw only from its ``np_random``, and its
    physics must not change within an episode.

    Args:
        env: The environment.
    """

    holds_everything_within = True
    """Its state is that of the environment inside too."""

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        self._seed: int | None = None
        self._options: dict[str, Any] | None = None
        self._generator: dict[str, Any] | None = None
        self._actions: list[Any] = []

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        self._seed, self._options, self._actions = seed, deepcopy(options), []
        self._generator = None if seed is not None else dict(self.unwrapped.np_random.bit_generator.state)
        return self.env.reset(seed=seed, options=options)

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        self._actions.append(np.array(action))
        return self.env.step(action)

    def state_dict(self) -> dict[str, Any]:
        """The beginning of the episode, and the actions since."""
        begun = self._seed is not None or self._generator is not None
        beginning = {"begun": begun, "seed": self._seed, "options": self._options, "generator": self._generator}
        return deepcopy(beginning | {"actions": self._actions})

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Lives the saved episode again, up to where it was."""
        if not state["begun"]:
            return
        if state["generator"] is not None:
            self.unwrapped.np_random.bit_generator.state = state["generator"]
        self.reset(seed=state["seed"], options=state.get("options"))  # older checkpoints have none
        for action in state["actions"]:
            self.step(np.array(action))
