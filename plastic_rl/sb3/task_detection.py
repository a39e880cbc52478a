"""Tasks that nobody announces: what a model sees, does and is paid, shown to a detector of regimes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from gymnasium import spaces
from jaxtyping import Float
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import unwrap_vec_normalize

from plastic_rl.nn.additive.task_names import TaskName
from plastic_rl.regimes import RegimeDetector, Transitions
from plastic_rl.regimes.transition_model import Numbers
from plastic_rl.sb3.task_announcements import Sighting
from plastic_rl.sb3.tasks import RememberedTasks, tasks_of


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
    tasks.detector = detector_for(model, cast("int | str", tasks.active), **settings)
    return tasks.detector


def detector_for(model: BaseAlgorithm, first: int | str, **settings: Any) -> RegimeDetector:
    """A detector of what a model sees, does and is paid.

    Args:
        model: whose environment it will watch.
        first: the name of the regime in which it is.
        **settings: of :class:`plastic_rl.regimes.RegimeDetector`.

    Raises:
        ValueError: the observations are no vectors, or a setting is out of range.
    """
    if not isinstance(model.observation_space, spaces.Box) or len(model.observation_space.shape) != 1:
        raise ValueError(
            f"tasks are told apart by observations that are vectors, got {model.observation_space}; "
            "have the environment announce its tasks"
        )
    observations, actions = model.observation_space.shape[0], spaces.flatdim(model.action_space)
    return RegimeDetector(observations + actions, observations + 1, model.n_envs, first, **settings)


class Detection:
    """Shows a detector the steps of a model's environment, without any normalisation.

    Features are observation and action; targets are the change of the observation, and the reward.

    Args:
        model: whose environment it is.
        detector: of regimes, which is what tasks are here.
    """

    def __init__(self, model: BaseAlgorithm, detector: RegimeDetector) -> None:
        self.detector, self.action_space = detector, model.action_space
        env = model.get_env()
        assert env is not None
        self.normaliser = unwrap_vec_normalize(env)
        self.before = self._unnormalized(model._last_obs)
        self.kept: list[tuple[np.ndarray, ...]] = []

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
        late = self.detector.observe(self._transitions(rollout))
        return Sighting(worlds, list(self.detector.regimes), self.detector.latest, late)

    def keep(self, rollout: Mapping[str, Any]) -> None:
        """Keeps a step for :meth:`read_kept`; less work than to show each by itself, where nobody asks in between.

        Args:
            rollout: the local variables of SB3's collection of rollouts.
        """
        after, actions = self._unnormalized(rollout["new_obs"]), np.array(rollout["clipped_actions"])
        self.kept.append((self.before, actions, after, np.array(self._rewards(rollout)), np.array(rollout["dones"])))
        self.before = after

    def read_kept(self) -> None:
        """Shows the detector all steps that are kept."""
        if self.kept:
            before, actions, after, rewards, dones = (np.stack(each) for each in zip(*self.kept, strict=True))
            self.kept = []
            flat = flattened(self.action_space, actions.reshape(-1, *actions.shape[2:]))
            self.detector.observe_all(*described(before, flat.reshape(*dones.shape, -1), after, rewards), dones)

    def _transitions(self, rollout: Mapping[str, Any]) -> Transitions:
        before, after = self.before, self._unnormalized(rollout["new_obs"])
        self.before = after
        actions = flattened(self.action_space, rollout["clipped_actions"])
        return Transitions(*described(before, actions, after, self._rewards(rollout)), rollout["dones"].tolist())

    def _rewards(self, rollout: Mapping[str, Any]) -> np.ndarray:
        return rollout["rewards"] if self.normaliser is None else self.normaliser.get_original_reward()

    def _unnormalized(self, observations: Any) -> Float[np.ndarray, "copies entries"]:
        observations = observations if self.normaliser is None else self.normaliser.get_original_obs()
        return np.array(observations, dtype=np.float64)


def described(before: Numbers, actions: np.ndarray, after: Numbers, rewards: np.ndarray) -> tuple[Numbers, Numbers]:
    """Features and targets of transitions, along the last axis."""
    return (
        np.concatenate([before, actions], axis=-1, dtype=np.float64),
        np.concatenate([after - before, rewards[..., None]], axis=-1, dtype=np.float64),
    )


def flattened(space: spaces.Space[Any], actions: np.ndarray) -> np.ndarray:
    """Actions as `gymnasium.spaces.flatten` has them, one a row; for all copies at once where that is known."""
    if isinstance(space, spaces.Discrete):
        rows = np.zeros((len(actions), int(space.n)))
        rows[np.arange(len(actions)), actions - space.start] = 1
        return rows
    if isinstance(space, spaces.Box):
        return actions.reshape(len(actions), -1)
    return np.array([spaces.flatten(space, action) for action in actions])
