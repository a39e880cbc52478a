"""The part that all changing worlds share: a clock of the run, a schedule, and the task in force."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium

from plastic_rl.nonstationary.changes import Parameters, copy_of
from plastic_rl.nonstationary.clock import Clock, RunClock
from plastic_rl.nonstationary.schedules import Schedule


class ChangingWorld:
    """A world that changes: an environment, or a wrapper of one."""

    schedule: Schedule
    """The rule by which tasks come due."""

    run_clock: RunClock
    """The clock of the run."""

    task: Parameters
    """The task in force; empty before the first reset."""

    @property
    def clock(self) -> Clock:
        """The time in the run."""
        return self.run_clock.now

    @property
    def number_of_tasks(self) -> int | None:
        """The number of tasks that take turns, told apart by the index modulo this number; None where none returns."""
        return self.schedule.number_of_tasks

    @property
    def tasks_given(self) -> int | None:
        """The number of tasks that were given; None where they are drawn."""
        return None

    def parameters(self, index: int) -> Parameters:
        """The parameters of task ``index``, whether or not it has been met: ``{"index": index, ...}``."""
        raise NotImplementedError

    @property
    def present_task(self) -> Parameters:
        """The task in force, or before the first reset the one that is due.

        Raises:
            RuntimeError: This is a copy, and the world that it is of lives in another process.
        """
        if not self.run_clock.is_at_home:
            raise RuntimeError(
                "this copy of a world stands still: the world itself lives in another process; follow it there "
                "(with a DummyVecEnv instead of a SubprocVecEnv), or reset the copy to live in it"
            )
        return copy_of(self.task) if self.task else self.parameters(self.schedule.task(self.clock))


def changing_layer(env: gymnasium.Env[Any, Any]) -> Any:
    """The layer of ``env`` that changes: a ``Nonstationary`` or a ``Chain``; a ValueError if there is none."""
    for layer in layers(env):
        if isinstance(layer, ChangingWorld):
            return layer
    raise ValueError(f"{env} never changes: wrap it in Nonstationary")


def refuse_changing(env: gymnasium.Env[Any, Any]) -> None:
    """Refuses an environment that changes already: only the outer one of two tasks could be announced."""
    for layer in layers(env):
        if isinstance(layer, ChangingWorld):
            raise ValueError(
                f"{env} changes already, and one task can be announced: give all changes to one Nonstationary"
            )


def layers(env: gymnasium.Env[Any, Any]) -> Iterator[gymnasium.Env[Any, Any]]:
    """The wrappers of an environment from the outermost on, and at last the environment."""
    yield env
    while isinstance(env, gymnasium.Wrapper):
        env = env.env
        yield env
