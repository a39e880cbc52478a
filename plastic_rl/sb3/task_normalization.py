"""Running statistics of a VecNormalize, one set for each task, of what that task has shown."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecEnv, VecMonitor, VecNormalize, unwrap_vec_normalize

from plastic_rl.nn.additive.task_names import TaskName

STATISTICS = ("mean", "var", "count")
Numbers = list[dict[str, Any]]
Copies = Bool[np.ndarray, " copies"]


def running_statistics(wrapper: VecNormalize) -> Iterator[RunningMeanStd]:
    """The statistics of observations, then that of returns."""
    observations = getattr(wrapper, "obs_rms", None)
    each = observations.values() if isinstance(observations, dict) else [observations]
    yield from (statistics for statistics in [*each, wrapper.ret_rms] if statistics is not None)


def numbers_of(wrapper: VecNormalize) -> Numbers:
    """The running statistics as plain numbers; SB3 replaces these arrays and never writes into them."""
    return [{name: getattr(each, name) for name in STATISTICS} for each in running_statistics(wrapper)]


def fresh_numbers(wrapper: VecNormalize) -> Numbers:
    """Statistics that have seen nothing yet."""
    fresh = (RunningMeanStd(shape=np.shape(each.mean)) for each in running_statistics(wrapper))
    return [{name: getattr(each, name) for name in STATISTICS} for each in fresh]


def write_numbers(wrapper: VecNormalize, numbers: Numbers) -> None:
    """Puts numbers into the running statistics."""
    for each, saved in zip(running_statistics(wrapper), numbers, strict=True):
        for name in STATISTICS:
            setattr(each, name, saved[name])


class TaskNormalization:
    """The running statistics are those of one task; the others' wait in an attribute of the VecNormalize.

    So whatever saves the VecNormalize saves them. A new task begins with fresh statistics, unless they are frozen
    (``training=False``): then they are everyone's.

    Args:
        env: any vector environment; without a VecNormalize in it nothing happens.
        task: whose the statistics are, if that has not been written down before.
    """

    def __init__(self, env: VecEnv, task: TaskName) -> None:
        self.wrapper = unwrap_vec_normalize(env)
        self.is_outermost = gives_what_is_seen(env)
        if self.wrapper is not None:
            vars(self.wrapper).setdefault("statistics_of_tasks", {})
            vars(self.wrapper).setdefault("task_of_statistics", task)
        self.note()

    @property
    def task(self) -> TaskName:
        """The task whose statistics are in use."""
        return vars(self.wrapper)["task_of_statistics"]

    @property
    def waiting(self) -> dict[TaskName, Numbers]:
        """The statistics of all other tasks."""
        return vars(self.wrapper)["statistics_of_tasks"]

    def knows(self, task: TaskName) -> bool:
        """True if there are statistics of a task, or none are kept."""
        return self.wrapper is None or task == self.task or task in self.waiting

    def switch(self, task: TaskName) -> None:
        """Puts the statistics in use aside and takes those of another task."""
        if self.wrapper is None or task == self.task:
            return
        self.waiting[self.task] = numbers_of(self.wrapper)
        if task in self.waiting:
            write_numbers(self.wrapper, self.waiting.pop(task))
        elif self.wrapper.training:
            write_numbers(self.wrapper, fresh_numbers(self.wrapper))
        vars(self.wrapper)["task_of_statistics"] = task

    def keep_only(self, tasks: Collection[TaskName]) -> None:
        """Drops the statistics of tasks that have been forgotten."""
        if self.wrapper is not None:
            for task in [each for each in self.waiting if each not in tasks]:
                del self.waiting[task]

    # Steps in which the sub-environments are in several tasks.

    def note(self) -> None:
        """Notes the statistics before a step."""
        if self.wrapper is not None:
            self._before = numbers_of(self.wrapper), self.wrapper.returns

    def take_back(self) -> None:
        """Takes the latest step out of the statistics."""
        if self.wrapper is not None and self.wrapper.training:
            write_numbers(self.wrapper, self._before[0])

    def take_in(self, observed: Copies, rewarded: Copies) -> None:
        """Takes the latest step of some sub-environments into the statistics.

        Args:
            observed: those whose latest observation counts.
            rewarded: those whose latest reward counts.
        """
        if self.wrapper is None or not self.wrapper.training:
            return
        if self.wrapper.norm_obs and observed.any():
            observations: Any = self.wrapper.get_original_obs()
            statistics: Any = self.wrapper.obs_rms
            parts = statistics if isinstance(statistics, dict) else {None: statistics}
            for key, each in parts.items():
                each.update((observations if key is None else observations[key])[observed])
        if rewarded.any():
            returns = self._before[1] * self.wrapper.gamma + self.wrapper.get_original_reward()
            self.wrapper.ret_rms.update(returns[rewarded])

    def renormalize(self, observations: Any) -> None:
        """Writes the latest observations, normalised by the statistics in use, into those that were given out."""
        if self.wrapper is None or not self.is_outermost:
            return
        normalised: Any = self.wrapper.normalize_obs(self.wrapper.get_original_obs())
        for given, now in _pairs(observations, normalised):
            given[...] = now

    def renormalize_rewards(self, rewards: np.ndarray) -> None:
        """Writes the latest rewards, normalised by the statistics in use, into those that were given out."""
        if self.wrapper is not None and self.is_outermost:
            rewards[...] = self.wrapper.normalize_reward(self.wrapper.get_original_reward())


def _pairs(observations: Any, others: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    if isinstance(observations, Mapping):
        yield from ((observations[key], others[key]) for key in observations)
    else:
        yield observations, others


def gives_what_is_seen(env: VecEnv) -> bool:
    """True if the model sees what a VecNormalize gives out: nothing around it changes that."""
    while isinstance(env, VecMonitor):
        env = env.venv
    return isinstance(env, VecNormalize)
