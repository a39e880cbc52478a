"""Tasks that nobody announces: what a model sees, does and is paid, shown to a detector of regimes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from stable_baselines3.common.base_class import BaseAlgorithm

from plastic_rl.nn.additive.task_names import TaskName
from plastic_rl.regimes import RegimeDetector, Transitions
from plastic_rl.sb3.task_announcements import Sighting
from plastic_rl.sb3.tasks import RememberedTasks, tasks_of
from plastic_rl.sb3.watched_world import WatchedWorld, described, sizes_of


def detect_tasks(model: BaseAlgorithm, **settings: Any) -> RegimeDetector:
    """Has a model that remembers tasks find out by itself in which one it is; ``info["task"]`` is then not read.

    ::

        model = PPO("MlpPolicy", env)
        tasks = remember_tasks(model, first_task=0)
        detect_tasks(model)
        model.learn(1_000_000, callback=TaskSwitch())

    New tasks are called by numbers. What is known of them travels with the tasks in the optimiser's state.

    Args:
        model: its observations are vectors.
        **settings: of :class:`plastic_rl.regimes.RegimeDetector`.

    Returns:
        The detector, which :class:`plastic_rl.sb3.TaskSwitch` will ask.

    Raises:
        ValueError: the model does not remember tasks, or has several already; its observations are no vectors; or a
            setting is out of range.
    """
    tasks = tasks_of(model)
    if not isinstance(tasks, RememberedTasks):
        raise ValueError("tasks can be detected for a model that remembers them: call remember_tasks(model) first")
    if len(tasks.tasks) > 1:
        raise ValueError(f"nothing is known of the worlds of tasks {tasks.tasks}: detect tasks from the first one on")
    tasks.detector = RegimeDetector(*sizes_of(model), cast("int | str", tasks.active), **settings)
    return tasks.detector


class Detection:
    """Shows a detector of regimes, which is what tasks are here, the steps of a model's environment.

    Args:
        model: whose environment it is.
        detector: of regimes.
    """

    def __init__(self, model: BaseAlgorithm, detector: RegimeDetector) -> None:
        self.detector, self.action_space, self.world = detector, model.action_space, WatchedWorld(model)

    def first(self, due: TaskName) -> TaskName:
        """The task in which training begins: the one that the model is in, as nothing has been seen yet."""
        return due

    def begin_rollout(self) -> None:
        """Does nothing: evidence for a change counts in the next rollout too."""

    def read(self, rollout: Mapping[str, Any], due: TaskName) -> Sighting:
        """Shows a step to the detector.

        Args:
            rollout: the local variables of SB3's collection of rollouts.
            due: the task in which the policy acted.
        """
        worlds: list[TaskName] = list(self.detector.regimes)
        step = self.world.step(rollout)
        late = self.detector.observe(Transitions(*described(step, self.action_space), step[-1].tolist()))
        return Sighting(worlds, list(self.detector.regimes), self.detector.latest, late)
