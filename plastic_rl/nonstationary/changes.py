"""What can be different from one task to the next, and nothing about when."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium

from plastic_rl.nonstationary.draws import Draws

Parameters = dict[str, Any]
"""What a task is called: plain numbers, and lists of them, by name."""


class Change:
    """A change that does nothing: the base of those that do, each of which overrides the hooks that it needs.

    A change is a description until :class:`~plastic_rl.nonstationary.Nonstationary` copies it and binds the copy to one
    environment. Whatever it writes, it computes from the defaults that it found there, never from what it wrote last.
    """

    touches: ClassVar[tuple[str, ...]] = ()
    """Names of the simulator's fields that it writes; two changes on one environment may not share one."""

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        """Learns the environment's defaults; raises ValueError where the change cannot work."""

    def draw(self, index: int, draws: Draws) -> Parameters:
        """The parameters of task ``index``: a function of the index and the seed alone."""
        raise NotImplementedError

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        """Makes the environment the one that ``parameters`` describe, whatever task it was before."""

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        """Puts back, bit for bit, what :meth:`bind` found."""

    def begin_episode(self) -> None:
        """Forgets what belongs to the episode that ended."""

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
