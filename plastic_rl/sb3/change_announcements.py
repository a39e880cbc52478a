"""The callback that tells a model's methods when a task begins, from what its environment announces."""

from __future__ import annotations

import logging

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import SubprocVecEnv

from plastic_rl.nonstationary.clock import Clock
from plastic_rl.nonstationary.schedules import Schedule
from plastic_rl.optim import methods_in
from plastic_rl.sb3.attachment import plastic_optimizers
from plastic_rl.sb3.change_detection import RolloutWatch, change_detection_of
from plastic_rl.sb3.missed_changes import MissedChanges
from plastic_rl.sb3.shared_clock import warn_of_wrong_pace
from plastic_rl.sb3.task_log import TaskLog

logger = logging.getLogger(__name__)


class ChangeAnnouncements(BaseCallback):
    """Has the methods of a model follow up on changes that ``info["task"]`` announces (``begin_task``).

    ::

        model.learn(1_000_000, callback=ChangeAnnouncements())

    A task begins when the first of the sub-environments enters it. The methods hear of it between two rollouts, so that
    no rollout is collected by a policy that a method has changed on the way; off-policy a rollout is the few steps
    between two updates. Where changes are detected (:func:`plastic_rl.sb3.detect_changes`) methods do not hear of
    announcements; what a rollout shows is looked at as it ends, so that a model that is saved in the middle of one does
    not know of it yet, as SB3's does not of its other steps. A training in which no change is noticed ends with a
    warning; one that is announced and not noticed is said at once, where somebody else keeps the tasks.
    :func:`plastic_rl.sb3.train_model` has this callback.

    Args:
        tasks: what somebody else keeps of the tasks that were met, who is called before; None keeps it here.
    """

    def __init__(self, tasks: TaskLog | None = None) -> None:
        super().__init__()
        self.tasks, self.keeps_tasks = TaskLog() if tasks is None else tasks, tasks is None

    def _on_training_start(self) -> None:
        warn_of_wrong_pace(self.training_env)
        self.detection = change_detection_of(self.model)
        if self.detection is not None:
            self.watch, self.missed = RolloutWatch(self.model, self.detection.detector), MissedChanges()
        elif not self.training_env.has_attr("task"):
            self._warn_of_silence(
                'the environment announces none in info["task"]: it will do nothing. Give it every=<updates>, or have '
                "changes detected: detect_changes(model), agent.changes_from=detected."
            )
        elif not self._a_change_may_come():
            self._warn_of_silence("none comes before this run ends: it will do nothing.")

    def _on_training_end(self) -> None:
        if self.detection is not None and not self.detection.detector.changes:
            self._warn_of_silence(
                f"none was noticed in {self.num_timesteps:,} steps: it has done nothing. Changes that come slowly, or "
                "that make few transitions surprising, are not noticed: have them announced "
                "(agent.changes_from=announced), or give it every=<updates>."
            )

    def _warn_of_silence(self, reason: str) -> None:
        methods = [method for optimizer in plastic_optimizers(self.model) for method in methods_in(optimizer)]
        for name in dict.fromkeys(type(method).__name__ for method in methods if method.waits_for_changes):
            logger.warning("%s acts at changes, and %s", name, reason)

    def _a_change_may_come(self) -> bool:
        """True unless the world's schedule says that its first task outlasts the run."""
        # From another process a schedule would have to be pickled, which not everybody's can be.
        if isinstance(self.training_env.unwrapped, SubprocVecEnv) or not self.training_env.has_attr("schedule"):
            return True
        schedule, steps = self.training_env.get_attr("schedule")[0], self.model._total_timesteps
        # There are at most as many episodes as steps.
        return not isinstance(schedule, Schedule) or schedule.task(Clock(steps, steps)) != schedule.task(Clock(0, 0))

    def _on_step(self) -> bool:
        if self.detection is not None:
            self.watch.keep(self.locals)
            return True
        for copy, info in enumerate(self.locals["infos"]) if self.keeps_tasks else ():
            self.tasks.enters(copy, info.get("task", {}))
        if self.tasks.told is None:  # the first is no change
            self.tasks.told = self.tasks.task.get("index")
        return True

    def _on_rollout_end(self) -> None:
        if self.detection is not None:
            self.watch.show()
            self.missed.look(self.tasks.task.get("index"), self.detection.detector.changes, self.num_timesteps)

    def _on_rollout_start(self) -> None:
        if self._is_new():
            for optimizer in plastic_optimizers(self.model):
                optimizer.begin_task()

    def _is_new(self) -> bool:
        if self.detection is not None:
            return self.detection.news()
        before, self.tasks.told = self.tasks.told, self.tasks.task.get("index")
        return before != self.tasks.told
