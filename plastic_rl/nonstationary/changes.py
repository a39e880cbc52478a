"""The base of all that can be different from one task to the next, and nothing about when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import gymnasium

from plastic_rl.nonstationary.draws import Draws
from plastic_rl.nonstationary.values import Number, UniformValues, Values, ValuesLike, values_of

Parameters = dict[str, Any]
"""A task: plain numbers, and lists of them, by name."""


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
        """Tells whether what :meth:`apply` wrote is still there."""
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
        """The agent's view of ``observation``."""
        return observation

    def action(self, action: Any) -> Any:
        """The action that the environment gets when the agent chooses ``action``."""
        return action

    def reward(self, reward: float, info: dict[str, Any]) -> float:
        """The agent's reward on a step that ``info`` describes."""
        return reward

    def state_dict(self) -> dict[str, Any]:
        """The memory that the parameters of the current task do not hold: a delay's queue, a noise's generator."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes over what :meth:`state_dict` of an equal change returned."""


def overridden(changes: Sequence[Change]) -> set[str]:
    """The hooks, of those that run on every step, that some change has."""
    hooks = ("before_step", "observation", "action", "reward")
    return {hook for hook in hooks for change in changes if getattr(type(change), hook) is not getattr(Change, hook)}


def refuse_shared_fields(changes: Sequence[Change]) -> None:
    """Refuses changes of one environment that write the same thing."""
    owners: dict[str, str] = {}
    for change in changes:
        for field in change.touches:
            if field in owners:
                raise ValueError(f"{owners[field]} and {type(change).__name__} both write {field}: use one of them")
            owners[field] = type(change).__name__


@dataclass
class NumberChange(Change):
    """A change by one number for each task.

    Args:
        values: The number of each task: :mod:`values <plastic_rl.nonstationary.values>`, one number for all tasks, or a
            pair of numbers that each task draws between.
        high: The second number of the pair, if ``values`` is the first.
    """

    parameter: ClassVar[str]
    """The announced name of the number."""

    spread: ClassVar[Callable[[float, float], Values]] = UniformValues
    """The rule by which two numbers are drawn between."""

    values: ValuesLike
    high: Number | None = None

    def __post_init__(self) -> None:
        self._values = values_of(self.values, self.high, type(self).spread)

    def number(self, index: int, draws: Draws) -> float:
        """The number of task ``index``."""
        return self._values.value(index, draws)

    def draw(self, index: int, draws: Draws) -> Parameters:
        return {self.parameter: self.number(index, draws)}


@dataclass
class ShareChange(NumberChange):
    """A change of a share of something, in [0, 1]."""

    def number(self, index: int, draws: Draws) -> float:
        share = super().number(index, draws)
        if not 0 <= share <= 1:
            raise ValueError(f"{type(self).__name__} needs shares in [0, 1], got {share}")
        return share
