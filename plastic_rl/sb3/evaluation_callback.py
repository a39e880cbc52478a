"""A callback that evaluates a model in a world that follows its training, and keeps the best one."""

from __future__ import annotations

from io import BufferedIOBase
from pathlib import Path
from typing import Any, cast

from stable_baselines3.common.callbacks import BaseCallback

from plastic_rl.runs import write_result
from plastic_rl.sb3.interval import Interval
from plastic_rl.sb3.playing import World, following, mean_return
from plastic_rl.validation import whole_number


class Evaluation(BaseCallback):
    """Records ``evaluation/return`` and ``evaluation/best``, and saves the model with the best return.

    ::

        world = partial(gymnasium.make, "plastic_rl/SlipperyAnt-v0", seed=0)
        model.learn(1_000_000, callback=Evaluation(world, every=50_000, best=Path("best_model.zip")))

    The world is made anew for each evaluation and is in the task of the training
    (:func:`plastic_rl.nonstationary.follow_task`). In another task another model is the best: when the task changes,
    the comparison begins anew. The training is bit for bit the same.

    Args:
        world: makes a world like that of the training.
        every: environment steps from one evaluation to the next, which waits for the end of a rollout.
        episodes: of each.
        best: the file of the best model of the present task; None to keep none.
        memory: what is known of the best so far, which is kept up to date: its return and the index of its task.

    Raises:
        ValueError: a number is not 1 or more.
    """

    def __init__(
        self,
        world: World,
        every: int = 50_000,
        *,
        episodes: int = 10,
        best: Path | None = None,
        memory: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.world, self.best = world, best
        self.every, self.episodes = whole_number("every", every), whole_number("episodes", episodes)
        if not (self.every and self.episodes):
            raise ValueError(f"every and episodes must be 1 or more, got {every} and {episodes}")
        self.memory = {} if memory is None else memory

    def _on_training_start(self) -> None:
        following(self.world, self.model).close()  # what cannot be followed is refused before anything is trained
        self.interval = Interval(self.every, since=self.num_timesteps)

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        if self.interval.is_over(self.num_timesteps):
            self._evaluate()

    def _evaluate(self) -> None:
        env: Any = following(self.world, self.model)
        task = self._task()
        found = mean_return(self.model, env, self.episodes, self.model.get_vec_normalize_env())
        if task != self.memory.get("task") or found > self.memory["return"]:
            self.memory.update({"task": task, "return": found})
            if self.best is not None:
                write_result(self.best, lambda file: self.model.save(cast(BufferedIOBase, file)))
        self.logger.record("evaluation/return", found)
        self.logger.record("evaluation/best", self.memory["return"])

    def _task(self) -> int:
        """The index of the task in which the model trains; 0 where there are none."""
        env = self.training_env
        return env.get_attr("present_task", 0)[0]["index"] if env.has_attr("present_task") else 0
