"""Worlds to evaluate in: in the task of a training world, or in one that is named, on clocks of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import gymnasium

from plastic_rl.nonstationary.changes import Parameters
from plastic_rl.nonstationary.changing_world import changing_layer
from plastic_rl.nonstationary.clock import Clock
from plastic_rl.nonstationary.schedules import Always, Schedule


def follow_task(env: gymnasium.Env[Any, Any], training: Any) -> gymnasium.Env[Any, Any]:
    """Makes a world one to evaluate in: each of its episodes is of the task in which ``training`` is when it begins.

    The two worlds have clocks of their own: steps in the one do not move the other.

    Args:
        env: A world made as ``training`` was, with the same changes and the same ``seed``.
        training: The world in which an agent trains: an environment, or a vector of them (Gymnasium's or
            Stable-Baselines3's), whose first copy counts.

    Returns:
        ``env``, which raises a ValueError at a reset if its tasks are not those of ``training``.

    Raises:
        ValueError: One of the two never changes.

    Example:
        >>> training = make_vec_env("plastic_rl/SlipperyAnt-v0", 8, env_kwargs={"copies": 8})
        >>> evaluation = follow_task(gymnasium.make("plastic_rl/SlipperyAnt-v0"), training)
        >>> model.learn(20_000_000, callback=EvalCallback(Monitor(evaluation), eval_freq=50_000))
    """
    world, present = changing_layer(env), _present_task(training)
    world.schedule = Following(present, world.parameters)
    return env


def stay_in_task(env: gymnasium.Env[Any, Any], task: int | Parameters) -> gymnasium.Env[Any, Any]:
    """Makes a world one to evaluate in, whose episodes are all of one task.

    Args:
        env: A world that changes, made with the ``seed`` whose task is meant.
        task: Its index, or the task itself as ``info["task"]`` announces it and ``read_tasks`` reads it.

    Returns:
        ``env``.

    Raises:
        ValueError: The world never changes, has no such task, or is a chain that cannot be given one.
    """
    world = changing_layer(env)
    if isinstance(task, int):
        world.schedule = Always(task)
    else:
        _check_same_task(world.parameters, task)
        world.schedule = Always(task["index"])
    return env


@dataclass(frozen=True)
class Following(Schedule):
    """The task of another world, which is looked up at each reset.

    Args:
        present: Says in which task the other world is.
        parameters: Says what a task of this world is, by its index.
    """

    present: Callable[[], Parameters]
    parameters: Callable[[int], Parameters]

    def task(self, clock: Clock) -> int:
        task = self.present()
        _check_same_task(self.parameters, task)
        return task["index"]

    def __reduce__(self) -> NoReturn:
        raise TypeError("a world that follows another cannot be copied or sent to another process: make it there")


def _check_same_task(parameters: Callable[[int], Parameters], task: Parameters) -> None:
    """Refuses a task that is another one in the world of these parameters."""
    if "index" not in task:
        raise ValueError(f"a task looks like {{'index': 0, ...}}, got {task}")
    if (here := parameters(task["index"])) != task:
        raise ValueError(
            f"task {task['index']} of the world to evaluate in is {here}, not {task}: "
            "make it with the same changes and seed, or with tasks=[...]"
        )


def _present_task(training: Any) -> Callable[[], Parameters]:
    """A function that reads the task of an environment, or of a vector's first copy."""
    if isinstance(training, gymnasium.Env):
        changing_layer(training)
        return lambda: training.get_wrapper_attr("present_task")
    try:
        training.get_attr("present_task")
    except AttributeError as error:
        raise ValueError(f"{training} never changes: there is no task to follow") from error
    return lambda: training.get_attr("present_task")[0]
