"""A model before the camera: what it does on film, in each of its tasks, and what it is paid there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gymnasium
import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm

from plastic_rl.nonstationary import film
from plastic_rl.sb3.playing import World
from plastic_rl.sb3.task_recall import recall_task
from plastic_rl.sb3.tasks import detector_of, tasks_of


class FilmedModel:
    """The most likely actions of a model: a policy for :func:`plastic_rl.nonstationary.film`.

    Args:
        model: of Stable-Baselines3.
    """

    def __init__(self, model: Any) -> None:
        self.model, self.normalization = model, model.get_vec_normalize_env()
        self.begin()

    def begin(self) -> None:
        """Forgets what a recurrent policy remembers: an episode begins."""
        self.memory: Any = None

    def __call__(self, observation: Any, step: int) -> Any:
        seen = observation if self.normalization is None else self.normalization.normalize_obs(observation)
        begins = np.array([self.memory is None])
        action, self.memory = self.model.predict(seen, self.memory, begins, deterministic=True)
        return action


class Stage(gymnasium.Wrapper[Any, Any, Any, Any]):
    """A world that tells a policy when episodes begin, and counts what it is paid and how many end.

    Args:
        env: the world.
        policy: acts in it.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], policy: FilmedModel) -> None:
        super().__init__(env)
        self.policy, self.paid, self.ended = policy, 0.0, 0

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        self.policy.begin()
        return self.env.reset(**options)

    def step(self, action: Any) -> Any:
        observation, reward, terminated, truncated, info = self.env.step(action)
        self.paid += float(reward)
        self.ended += terminated or truncated
        return observation, reward, terminated, truncated, info


def film_model(
    model: BaseAlgorithm, world: World, *, tasks: Sequence[int], steps: int, seed: int = 0
) -> tuple[np.ndarray, list[str]]:
    """Frames of a model in each of some tasks, side by side, and a line on each.

    A model that remembers announced tasks is, in each that it has met, as it was there.

    Args:
        model: with its weights; it is left as it is.
        world: makes the world, with ``render_mode="rgb_array"``.
        tasks: their indices, from left to right.
        steps: of each.
        seed: of the resets.

    Raises:
        ValueError: the world never changes, or a task is not there.
    """
    scenes, lines = [], list[str]()
    for task in tasks:
        policy = FilmedModel(model)
        stage = Stage(world(), policy)
        with _recalled(model, task):
            scenes.append(film(lambda stage=stage: stage, policy, tasks=(task,), steps=steps, seed=seed))
        lines.append(f"task {task}: reward {stage.paid:,.1f} over {steps} steps, {stage.ended} episodes ended")
    return np.concatenate(scenes, axis=2), lines


@contextmanager
def _recalled(model: BaseAlgorithm, task: int) -> Iterator[None]:
    remembered = None if detector_of(model) is not None else tasks_of(model)  # a detector's names are its own
    if remembered is None or task not in remembered.tasks:
        yield
        return
    with recall_task(model, task):
        yield
