"""A file of tasks, checked against the world that is to go through them, before a run begins."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from plastic_rl.errors import UserError

if TYPE_CHECKING:
    import gymnasium

    from envs.recipe import Environment

DRAWN = 4
"""From so many tasks of a world it is read what its tasks look like."""


def check_task_file(recipe: Environment, seed: int, steps: int) -> None:
    """Refuse a file of tasks that a world cannot go through.

    Args:
        recipe: Of the world, with the file's name.
        seed: Of the world.
        steps: Environment steps of the run, the last rollout whole.

    Raises:
        UserError: A line is no task of this world, or there are too few.
    """
    if recipe.tasks is None:
        return
    world = replace(recipe, tasks=None).build(seed=seed)
    if world.has_wrapper_attr("follow"):  # else the world itself refuses them
        tasks, kinds = _read(recipe.tasks), _kinds(world)
        for index, task in enumerate(tasks):
            if trouble := _trouble(task, index, kinds):
                raise UserError(f"env.tasks={recipe.tasks}, task {index}: {trouble}")
        _check_number(recipe.tasks, len(tasks), world, steps)
    world.close()


class _Kind:
    """The form of a parameter of a world's tasks.

    Args:
        drawn: Its value in some of them.
    """

    def __init__(self, drawn: Sequence[Any]) -> None:
        self.example = drawn[0]
        self.is_list = isinstance(self.example, list | tuple)
        self.is_order = self.is_list and all(len(value) > 1 and _is_order(value) for value in drawn)
        lengths = {len(value) for value in drawn} if self.is_list else set()
        self.length = lengths.pop() if len(lengths) == 1 else None

    def takes(self, value: Any) -> bool:
        """True if a value is of this kind."""
        if not self.is_list:
            return _is_number(value) if _is_number(self.example) else isinstance(value, type(self.example))
        if not isinstance(value, list) or self.length not in (None, len(value)):
            return False
        return _is_order(value) if self.is_order else all(map(_is_number, value))

    def __str__(self) -> str:
        if self.is_order:
            return f"the numbers from 0 to {len(self.example) - 1} in some order"
        if self.is_list:
            return "a list of numbers" if self.length is None else f"{self.length} numbers"
        return "a finite number" if _is_number(self.example) else f"such as {self.example!r}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _is_order(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int) for value in values) and sorted(values) == list(range(len(values)))


def _read(path: str) -> Sequence[Mapping[str, Any]]:
    from plastic_rl.nonstationary import read_tasks

    try:
        tasks = read_tasks(path)
    except OSError as error:
        raise UserError(f"env.tasks={path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise UserError(f"env.tasks: {error}") from error
    if not tasks:
        raise UserError(f"env.tasks={path} holds no tasks: expected one JSON object a line, as in a run's tasks.jsonl")
    return tasks


def _kinds(world: gymnasium.Env[Any, Any]) -> dict[str, _Kind]:
    drawn = [world.get_wrapper_attr("parameters")(index) for index in range(DRAWN)]
    return {name: _Kind([task[name] for task in drawn]) for name in drawn[0]}


def _trouble(task: Mapping[str, Any], index: int, kinds: Mapping[str, _Kind]) -> str | None:
    """Return what is wrong with a task; None where nothing is."""
    if missing := [name for name in kinds if name not in task]:
        return f"has no {', '.join(missing)}; expected {', '.join(kinds)}"
    if unknown := [name for name in task if name not in kinds]:
        return f"has {', '.join(unknown)}, which this world has not; expected {', '.join(kinds)}"
    if task["index"] != index:
        return f"has the index {task['index']}; tasks are counted from 0 in the order of their lines"
    unfit = [name for name, kind in kinds.items() if not kind.takes(task[name])]
    return f"{unfit[0]} is {task[unfit[0]]}: expected {kinds[unfit[0]]}" if unfit else None


def _check_number(path: str, count: int, world: gymnasium.Env[Any, Any], steps: int) -> None:
    from plastic_rl.nonstationary.clock import Clock

    last = world.get_wrapper_attr("schedule").task(Clock(steps - 1, 0))  # the last step's reset is of no account
    if last >= count:
        raise UserError(
            f"env.tasks={path} has {count} tasks, and by step {steps:,} this run comes to task {last}, counted from 0\n"
            "Give more tasks, or a smaller total_steps."
        )
