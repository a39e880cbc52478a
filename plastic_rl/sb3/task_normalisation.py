"""Running statistics of a VecNormalize, one set for each task: old policies see what they saw."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecEnv, unwrap_vec_normalize

STATISTICS = ("mean", "var", "count")


class TaskNormalisation:
    """The statistics of the task in hand are those of the VecNormalize; the others wait in an attribute of it.

    So whatever saves the VecNormalize saves them. A new task begins with fresh statistics.

    Args:
        env: any vector environment; without a VecNormalize in it nothing happens.
    """

    def __init__(self, env: VecEnv) -> None:
        self.wrapper = unwrap_vec_normalize(env)

    def switch(self, before: Any, after: Any) -> None:
        """Puts the statistics of one task aside and takes those of another."""
        if self.wrapper is None or before == after:
            return
        waiting: dict[Any, Any] = vars(self.wrapper).setdefault("statistics_of_tasks", {})
        waiting[before] = [{name: getattr(each, name) for name in STATISTICS} for each in self._running()]
        saved = waiting.pop(after, None)
        for place, each in enumerate(self._running()):
            fresh = RunningMeanStd(shape=np.shape(each.mean))
            values = vars(fresh) if saved is None else saved[place]
            for name in STATISTICS:
                setattr(each, name, values[name])

    def _running(self) -> Iterator[RunningMeanStd]:
        assert self.wrapper is not None
        observations = getattr(self.wrapper, "obs_rms", None)
        each = observations.values() if isinstance(observations, dict) else [observations]
        yield from (statistics for statistics in [*each, self.wrapper.ret_rms] if statistics is not None)
