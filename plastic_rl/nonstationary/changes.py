"""What can be different from one task to the next, and nothing about when."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, ClassVar
from zlib import crc32

import gymnasium
import numpy as np

from plastic_rl.nonstationary.draws import Draws

Parameters = dict[str, Any]
"""What a task is called: plain numbers, and lists of them, by name."""


def copy_of(parameters: Parameters) -> Parameters:
    """A task's parameters with lists of their own: what one side writes into them, the other does not see."""
    return {name: list(value) if isinstance(value, list) else value for name, value in parameters.items()}


class Change:
    """A change that does nothing: the base of those that do, each of which overrides the hooks that it needs.

    A change is a description until :class:`~plastic_rl.nonstationary.Nonstationary` copies it and binds the copy to one
    environment. Whatever it writes, it computes from the defaults that it found there, never from what it wrote last.
    """

    touches: ClassVar[tuple[str, ...]] = ()
    """Names of the simulator's fields that it writes; two changes on one environment may not share one."""

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        """Learns the environment's defaults; raises ValueError where the change cannot work.

        Where each reset writes what the change writes, it is called again after each, on what the reset wrote.
        """

    def draw(self, index: int, draws: Draws) -> Parameters:
        """The parameters of task ``index``: a function of the index and the seed alone."""
        raise NotImplementedError

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        """Makes the environment the one that ``parameters`` describe, whatever task it was before."""

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        """Puts back, bit for bit, what :meth:`bind` found."""

    def is_in_force(self, env: gymnasium.Env[Any, Any]) -> bool:
        """Whether what :meth:`apply` wrote is still there."""
        return True

    def begin_episode(self, seed: int | None) -> None:
        """Forgets what belongs to the episode that ended; ``seed`` is the one that ``reset`` was called with."""

    def before_step(self, env: gymnasium.Env[Any, Any]) -> None:
        """Writes what the simulator forgets at every reset, just before a step."""

    def observation_space(self, space: gymnasium.Space[Any]) -> gymnasium.Space[Any]:
        """A space that holds the transformed observations of every task."""
        return space

    def action_space(self, space: gymnasium.Space[Any]) -> gymnasium.Space[Any]:
        """The space of the actions that the agent chooses from."""
        return space

    def observation(self, observation: Any) -> Any:
        """What the agent sees of ``observation``."""
        return observation

    def action(self, action: Any) -> Any:
        """What the environment gets when the agent chooses ``action``."""
        return action

    def reward(self, reward: float, info: dict[str, Any]) -> float:
        """What the agent is paid on a step that ``info`` describes."""
        return reward

    def state_dict(self) -> dict[str, Any]:
        """What the parameters of the current task do not say (a delay's queue, a noise's generator)."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes over what :meth:`state_dict` of an equal change returned."""


class NoisyChange(Change):
    """A change that draws at every step, from a generator that ``reset(seed=...)`` seeds like the environment's own."""

    _generator: np.random.Generator | None = None

    @property
    def generator(self) -> np.random.Generator:
        """Seeded by the last ``reset`` that named a seed; never seeded, it is different in every life."""
        if self._generator is None:
            self._generator = np.random.default_rng()
        return self._generator

    def is_in_force(self, env: gymnasium.Env[Any, Any]) -> bool:
        """Whether what :meth:`apply` wrote is still there."""
        return True

    def begin_episode(self, seed: int | None) -> None:
        if seed is not None:
            # The class's name keeps two kinds of noise on one environment apart.
            self._generator = np.random.default_rng([seed, crc32(type(self).__name__.encode())])

    def state_dict(self) -> dict[str, Any]:
        return {"generator": deepcopy(self._generator)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._generator = deepcopy(state["generator"])
