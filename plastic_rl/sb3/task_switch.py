"""The callback that tells a policy in which task it is."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.utils import obs_as_tensor

from plastic_rl.nn.additive.task_names import TaskName
from plastic_rl.sb3.shared_clock import warn_of_wrong_pace
from plastic_rl.sb3.task_announcements import Announcements, Sighting
from plastic_rl.sb3.task_detection import Detection
from plastic_rl.sb3.task_normalization import TaskNormalization
from plastic_rl.sb3.tasks import detector_of, tasks_of


class TaskSwitch(BaseCallback):
    """Puts a policy that remembers tasks into the task that the environment is in.

    Which that is the environment announces in ``info["task"]``; or the model finds it out, if it was told to by
    :func:`plastic_rl.sb3.detect_tasks`.

    The policy switches, or begins a new task, as soon as one of the sub-environments has changed, in the middle of a
    rollout if need be; so a task that returns is met with the policy that it was left with. The others may be in the
    old task to the end of their episodes. A rollout that holds a change trains one task alone: the one to which most of
    it belongs. A transition belongs to a task if the world was in this task, and the task's policy acted; the places of
    all others are filled with copies of those that do. So no policy learns from another world, or from another policy's
    actions; a change that is detected with delay counts from where it is found to have happened in the rollout. Where
    the policy changes, advantages end, with the value that the critic of the task that is left gives to what follows. A
    running VecNormalize has statistics for each task, of what this task has shown alone
    (:func:`plastic_rl.sb3.recall_task`); where changes are detected, they hold what lies between a change and its alarm
    too.
    """

    model: OnPolicyAlgorithm  # pyright: ignore[reportIncompatibleVariableOverride]

    def _on_training_start(self) -> None:
        tasks = tasks_of(self.model)
        if tasks is None:
            raise ValueError("TaskSwitch needs a model that remembers tasks: call remember_tasks(model) first")
        warn_of_wrong_pace(self.training_env)
        self.tasks, self.due = tasks, tasks.active
        detector = detector_of(self.model)
        self.informant = Announcements(self.model) if detector is None else Detection(self.model, detector)
        self.normalization = TaskNormalization(self.training_env, self.due)
        self.normalization.switch(self.due)  # somebody may have gone to another task meanwhile
        self.belongs_to: list[list[TaskName | None]] = []
        if self.num_timesteps == 0:
            self._begin_in(self.informant.first(self.due))
        self.normalization.note()

    def _begin_in(self, name: TaskName) -> None:
        if name != self.due:
            self._enter(name)
            everyone = np.ones(self.model.n_envs, dtype=bool)
            self.normalization.take_in(observed=everyone, rewarded=~everyone)
            self.normalization.renormalize(self.model._last_obs)

    def _on_rollout_start(self) -> None:
        self._show(self.due)
        self.normalization.keep_only(self.tasks.tasks)
        self.belongs_to = []
        self.informant.begin_rollout()

    def _on_step(self) -> bool:
        sighting = self.informant.read(self.locals, self.due)
        self.belongs_to.append([world if world == self.due else None for world in sighting.worlds])
        for copy, count in enumerate(sighting.late):
            for row in self.belongs_to[::-1][:count]:
                row[copy] = None
        self._take_out_others(sighting)
        if sighting.following != self.due:
            self._cut_off()
            self._enter(sighting.following)
            self._take_in_first(sighting)
        self.normalization.note()
        return True

    def _take_out_others(self, sighting: Sighting) -> None:
        """Has the running statistics hold what the task in hand has shown alone, where copies are in several tasks."""
        observed = np.array([world == self.due for world in sighting.next_worlds])
        rewarded = np.array([world == self.due for world in sighting.worlds])
        if not (observed.all() and rewarded.all()):
            self.normalization.take_back()
            self.normalization.take_in(observed, rewarded)
            self.normalization.renormalize(self.locals["new_obs"])
            self.normalization.renormalize_rewards(self.locals["rewards"])

    def _take_in_first(self, sighting: Sighting) -> None:
        """Normalises the first observations of the task that begins by its own statistics, which take them in."""
        observed = np.array([world == self.due for world in sighting.next_worlds])
        self.normalization.take_in(observed, rewarded=np.zeros_like(observed))
        self.normalization.renormalize(self.locals["new_obs"])

    @torch.no_grad()
    def _cut_off(self) -> None:
        """Ends all episodes for those who learn from them; what was still to come is what the critic in hand expects.

        SB3 would ask the critic of the task that begins, and count the rewards of its policy.
        """
        policy, infos, ended = self.model.policy, self.locals["infos"], self.locals["dones"]
        values = policy.predict_values(obs_as_tensor(self.locals["new_obs"], policy.device)).flatten().tolist()
        for copy, (info, is_over) in enumerate(zip(infos, ended.tolist(), strict=True)):
            if info.get("TimeLimit.truncated", False):
                values[copy] = policy.predict_values(policy.obs_to_tensor(info["terminal_observation"])[0]).item()
                info["TimeLimit.truncated"] = False  # SB3 need not add it again
            elif is_over:
                values[copy] = 0.0
        self.locals["rewards"][:] += self.model.gamma * np.array(values)
        ended[:] = True

    def _on_rollout_end(self) -> None:
        counts = Counter(name for row in self.belongs_to for name in row if name is not None)
        if not counts:  # rollouts of a single step, say: there is nothing to choose from
            return
        ((chosen, count),) = counts.most_common(1)
        self._show(chosen)
        if count < sum(map(len, self.belongs_to)):
            keep_only(
                self.model.rollout_buffer, np.array([[name == chosen for name in row] for row in self.belongs_to])
            )

    def _on_training_end(self) -> None:
        self._show(self.due)

    def _enter(self, name: TaskName) -> None:
        if name == self.due:
            return
        self.normalization.switch(name)
        self.due = name
        self._show(name)
        if self.model.use_sde:
            self.model.policy.reset_noise(self.model.n_envs)  # what there is was drawn by the other task's log_std

    def _show(self, name: TaskName) -> None:
        if name not in self.tasks.tasks:
            self.tasks.new_task(name)
        elif name != self.tasks.active:
            self.tasks.task(name)


def keep_only(buffer: RolloutBuffer, is_kept: Bool[np.ndarray, "steps copies"]) -> None:
    """Fills the places of all other transitions with copies of those to keep, in turn.

    Args:
        buffer: a full rollout, its advantages computed.
        is_kept: the transitions to keep, at least one.
    """
    kept, others = np.argwhere(is_kept), np.argwhere(~is_kept)
    sources = kept[np.arange(len(others)) % len(kept)]
    observations: Any = buffer.observations
    seen = list(observations.values()) if isinstance(observations, dict) else [observations]
    parts = [buffer.actions, buffer.rewards, buffer.values, buffer.log_probs, buffer.advantages, buffer.returns]
    for part in (*seen, *parts, buffer.episode_starts):
        part[others[:, 0], others[:, 1]] = part[sources[:, 0], sources[:, 1]]
