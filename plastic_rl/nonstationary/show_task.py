"""The task shown to the agent, for baselines that know what no learner is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from gymnasium.utils import RecordConstructorArgs
from jaxtyping import Float

from plastic_rl.nonstationary.changes import Parameters
from plastic_rl.nonstationary.changing_world import changing_layer

FORMS = ("parameters", "standardized", "one_hot")

# Tasks whose parameters say what is usual in a world.
LOOKED_AT = 100

Context = Float[np.ndarray, " numbers"]


class ShowTask(gymnasium.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """An environment whose observation ends with the task in force.

    Args:
        env: An environment that is or wraps a ``Nonstationary`` or a ``Chain``, with vectors for observations.
        form: What is shown of a task: its true ``"parameters"``; these ``"standardized"``, less their mean over the
            first 100 tasks, in units of their deviation there; or which of those that take turns it is, ``"one_hot"``.

    Raises:
        ValueError: There is no such form; the observations are no vectors of floating-point numbers; tasks are
            described by words, or by lists of different lengths, where their parameters are shown; or no task
            returns where they are to be told by their number.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], form: str = "parameters") -> None:
        RecordConstructorArgs.__init__(self, form=form)
        super().__init__(env)
        if form not in FORMS:
            raise ValueError(f"form must be one of {', '.join(FORMS)}, got {form!r}")
        space = env.observation_space
        if not isinstance(space, Box) or len(space.shape) != 1 or space.dtype.kind != "f":
            raise ValueError(f"ShowTask needs observations that are vectors of floating-point numbers, got {space}")
        self._context = self._one_hot() if form == "one_hot" else self._numbers(is_standardized=form == "standardized")
        room = np.full(self._context(self._parameters(0)).size, np.inf)
        low, high = np.concatenate([space.low, -room]), np.concatenate([space.high, room])
        self.observation_space = Box(low.astype(space.dtype), high.astype(space.dtype), dtype=space.dtype.type)

    def observation(self, observation: Any) -> Any:
        task = self.get_wrapper_attr("task")
        return np.concatenate([observation, self._context(task)]).astype(self.observation_space.dtype)

    def _parameters(self, index: int) -> Parameters:
        return self.get_wrapper_attr("parameters")(index)

    def _one_hot(self) -> Callable[[Parameters], Context]:
        count = changing_layer(self.env).number_of_tasks
        if count is None:
            raise ValueError(f"no task of {self.env} returns, so that its number says nothing: show parameters")
        return lambda task: np.eye(count)[task["index"] % count]

    def _numbers(self, *, is_standardized: bool) -> Callable[[Parameters], Context]:
        most = LOOKED_AT if is_standardized else 4
        given = changing_layer(self.env).tasks_given
        contexts = [_numbers(self._parameters(index)) for index in range(most if given is None else min(given, most))]
        sizes = {context.size for context in contexts}
        if len(sizes) > 1:
            raise ValueError(f"ShowTask needs tasks with equally many parameters, got {sorted(sizes)}")
        if not is_standardized:
            return _numbers
        mean, deviation = np.mean(contexts, axis=0), np.std(contexts, axis=0)
        deviation[deviation == 0] = 1.0  # what is the same in all tasks is shown as 0
        return lambda task: (_numbers(task) - mean) / deviation


def tell_task(env: gymnasium.Env[Any, Any]) -> ShowTask:
    """The control that is told: the observation ends with the task, in the form that says most.

    Where tasks take turns, it is which of them; where none returns, so that a number says nothing, it is the
    parameters, standardised.

    Args:
        env: See :class:`ShowTask`.

    Raises:
        ValueError: The task cannot be shown.
    """
    return ShowTask(env, "standardized" if changing_layer(env).number_of_tasks is None else "one_hot")


def _numbers(task: Parameters) -> Context:
    """Every number in the task but its index, in order."""
    values = [np.atleast_1d(value) for name, value in task.items() if name != "index"]
    if any(value.dtype.kind not in "biuf" for value in values):
        raise ValueError(f"ShowTask needs tasks that are described by numbers, got {task}")
    return np.concatenate([value.astype(float) for value in values])
