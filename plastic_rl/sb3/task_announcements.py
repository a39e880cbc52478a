"""The tasks that the sub-environments announce in ``info["task"]``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from plastic_rl.nn.additive.task_names import TaskName
from plastic_rl.sb3.tasks import task_name


@dataclass
class Sighting:
    """The tasks of all sub-environments, as known after a step.

    Args:
        worlds: the task of each sub-environment during the step.
        next_worlds: the task of each sub-environment from now on.
        following: the task in which to act from now on.
        late: for each sub-environment, how many of its last transitions were taken for another task's; none where
            changes are announced.
    """

    worlds: list[TaskName]
    next_worlds: list[TaskName]
    following: TaskName
    late: Sequence[int] = ()


class Announcements:
    """Reads the infos of a model's environment.

    Args:
        model: whose environment it is.
    """

    def __init__(self, model: OnPolicyAlgorithm) -> None:
        self.env: Any = model.get_env()
        self.seen: dict[int, tuple[Mapping[str, Any], TaskName]] = {}
        self.announced: TaskName = 0

    def first(self, due: TaskName) -> TaskName:
        """The task in which training begins; ``due`` where the environment announces none."""
        return self._sight(0, self.env.unwrapped.reset_infos[0], due)

    def begin_rollout(self) -> None:
        """Forgets what was seen, so that a run that is gone on with from here sees what it would have seen."""
        self.seen = {}

    def read(self, rollout: Mapping[str, Any], due: TaskName) -> Sighting:
        """Reads the infos of a step.

        Args:
            rollout: the local variables of SB3's collection of rollouts.
            due: the task in which the policy acted.
        """
        self.announced = due
        worlds = [self._sight(copy, info, due) for copy, info in enumerate(rollout["infos"])]
        next_worlds = list(worlds)
        for copy in np.flatnonzero(rollout["dones"]).tolist():  # their infos are of the episode that is over
            next_worlds[copy] = self._sight(copy, self.env.unwrapped.reset_infos[copy], due)
        return Sighting(worlds, next_worlds, next_worlds[0] if len(set(next_worlds)) == 1 else self.announced)

    def _sight(self, copy: int, info: Mapping[str, Any], due: TaskName) -> TaskName:
        """The name of the task that a sub-environment is in; notes whether it has changed in this rollout."""
        task, before = info.get("task"), self.seen.get(copy)
        if not task:
            return due if before is None else before[1]
        if before is None or before[0] != task:  # a long permutation is put into words once
            self.seen[copy] = dict(task), task_name(task)
            if before is not None and before[1] != self.seen[copy][1]:
                self.announced = self.seen[copy][1]
        return self.seen[copy][1]
