"""The callback that tells a model's methods when a task begins, from what its environment announces."""

from __future__ import annotations

from stable_baselines3.common.callbacks import BaseCallback

from plastic_rl.sb3.attachment import plastic_optimizers
from plastic_rl.sb3.shared_clock import warn_of_wrong_pace
from plastic_rl.sb3.task_log import TaskLog


class ChangeAnnouncements(BaseCallback):
    """Has the methods of a model follow up on changes that ``info["task"]`` announces (``begin_task``).

    ::

        model.learn(1_000_000, callback=ChangeAnnouncements())

    A task begins when the first of the sub-environments enters it. The methods hear of it between two rollouts, so that
    no rollout is collected by a policy that a method has changed on the way; off-policy a rollout is the few steps
    between two updates. :func:`plastic_rl.sb3.train_model` has this callback.

    Args:
        tasks: what somebody else keeps of the tasks that were met, who is called before; None keeps it here.
    """

    def __init__(self, tasks: TaskLog | None = None) -> None:
        super().__init__()
        self.tasks, self.keeps_tasks = TaskLog() if tasks is None else tasks, tasks is None

    def _on_training_start(self) -> None:
        warn_of_wrong_pace(self.training_env)

    def _on_step(self) -> bool:
        for copy, info in enumerate(self.locals["infos"]) if self.keeps_tasks else ():
            self.tasks.enters(copy, info.get("task", {}))
        if self.tasks.told is None:  # the first is no change
            self.tasks.told = self.tasks.task.get("index")
        return True

    def _on_rollout_start(self) -> None:
        if self.tasks.told != self.tasks.task.get("index"):
            self.tasks.told = self.tasks.task.get("index")
            for optimizer in plastic_optimizers(self.model):
                optimizer.begin_task()
