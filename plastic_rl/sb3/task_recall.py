"""A model as it was in one of its tasks: its weights, and what its VecNormalize made of observations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv, VecNormalize, unwrap_vec_normalize

from plastic_rl.nn.additive import AdditiveDecomposition
from plastic_rl.nn.additive.task_names import TaskName
from plastic_rl.sb3.task_normalization import Numbers, TaskNormalization, numbers_of, write_numbers
from plastic_rl.sb3.tasks import tasks_of


@contextmanager
def recall_task(model: BaseAlgorithm, task: TaskName, env: VecEnv | None = None) -> Iterator[AdditiveDecomposition]:
    """Puts a model into one of the tasks that it remembers, weights and running statistics, for a ``with`` statement.

    ::

        with recall_task(model, task):
            actions, _ = model.predict(model.get_vec_normalize_env().normalize_obs(observations))
        with recall_task(model, task, evaluation_env):
            evaluate_policy(model, evaluation_env)

    Inside, the VecNormalize of the model's environment (if there is one), and that of ``env``, have the statistics of
    the task, and take nothing in. Afterwards all is as it was. ``with tasks.task(task)`` recalls the weights alone.

    Args:
        model: one that remembers tasks (:func:`plastic_rl.sb3.remember_tasks`).
        task: the name of the task.
        env: a further vector environment with a VecNormalize, to evaluate the policy in; its statistics of tasks are
            used where the model has no environment (`VecNormalize.load` brings them back).

    Raises:
        ValueError: the model remembers no tasks, there is no such task, or no statistics of it are known.
    """
    tasks = tasks_of(model)
    if tasks is None:
        raise ValueError("only a model that remembers tasks can recall one: call remember_tasks(model) first")
    active = tasks.active
    wrappers = [wrapper for wrapper in map(_normaliser, (model.get_env(), env)) if wrapper is not None]
    with ExitStack() as stack:
        stack.enter_context(tasks.task(task))
        if wrappers:
            numbers = stack.enter_context(_recalled(wrappers[0], task, active))
            for wrapper in wrappers[1:]:
                stack.enter_context(_lent(wrapper, numbers))
        yield tasks


def _normaliser(env: VecEnv | None) -> VecNormalize | None:
    return None if env is None else unwrap_vec_normalize(env)


@contextmanager
def _recalled(wrapper: VecNormalize, task: TaskName, active: TaskName) -> Iterator[Numbers]:
    """A VecNormalize with its own statistics of a task, which stay as they are."""
    normalization, was_training = TaskNormalization(wrapper, active), wrapper.training
    if not normalization.knows(task):
        raise ValueError(
            f"no statistics of task {task!r} are known to the VecNormalize: train with TaskSwitch, or use the "
            "VecNormalize of that run (VecNormalize.load)"
        )
    before = normalization.task
    normalization.switch(task)
    wrapper.training = False
    try:
        yield numbers_of(wrapper)
    finally:
        normalization.switch(before)
        wrapper.training = was_training


@contextmanager
def _lent(wrapper: VecNormalize, numbers: Numbers) -> Iterator[None]:
    """A VecNormalize with statistics that are not its own."""
    before, was_training = numbers_of(wrapper), wrapper.training
    shapes, expected = ([np.shape(each["mean"]) for each in both] for both in (numbers, before))
    if shapes != expected:
        raise ValueError(f"the VecNormalize normalises {expected}, that of the model's environment {shapes}")
    write_numbers(wrapper, numbers)
    wrapper.training = False
    try:
        yield
    finally:
        write_numbers(wrapper, before)
        wrapper.training = was_training
