"""A callback that plays all tasks so far when one has ended: the matrix of returns, forgetting and transfer."""

from __future__ import annotations

import logging
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback

from plastic_rl.continual import average, backward_transfer, forgetting, forward_transfer
from plastic_rl.nonstationary import stay_in_task
from plastic_rl.sb3.playing import World, mean_return
from plastic_rl.sb3.probing import twins
from plastic_rl.validation import whole_number

logger = logging.getLogger(__name__)


class TaskReturns(BaseCallback):
    """Records a row of returns when a task has ended, one for each task so far, and what follows from the rows.

    ::

        returns = TaskReturns(partial(gymnasium.make, "plastic_rl/PermutedCartPole-v0", seed=0))
        model.learn(300_000, callback=returns)
        returns.rows  # R[i][j]: the return on task j after task i

    The policy is the one that has ended the task: it is played before it learns from the next. It plays the task that
    follows, too, and so does an untrained policy of the same make: forward transfer. The training is bit for bit the
    same. The last task of a run ends with the run, if its rollouts do.

    Args:
        world: makes a world like that of the training, with the same tasks.
        episodes: on each task.
        memory: rows so far, which are kept up to date.

    Raises:
        ValueError: ``episodes`` is not 1 or more.
    """

    def __init__(self, world: World, episodes: int = 5, *, memory: dict[str, list[Any]] | None = None) -> None:
        super().__init__()
        self.world, self.episodes = world, whole_number("episodes", episodes)
        if not self.episodes:
            raise ValueError("episodes must be 1 or more, got 0")
        self.memory = {} if memory is None else memory
        for name in ("rows", "ahead", "untrained"):
            self.memory.setdefault(name, [])
        self.present: int | None = None
        self.is_told = False
        self.ended: list[int] = []

    @property
    def rows(self) -> list[list[float]]:
        """R, a row after each task; each has one entry more than it had tasks so far: that of the next."""
        return self.memory["rows"]

    def _on_training_start(self) -> None:
        stay_in_task(self.world(), 0).close()  # a world that never changes is refused before anything is trained
        if self.rows and self.present is None:  # a run that goes on
            self.present = len(self.rows)

    def _on_step(self) -> bool:
        for info in self.locals["infos"]:
            index = info.get("task", {}).get("index", self.present)
            if index is not None and (self.present is None or index > self.present):
                # Tasks that were over before an episode began in them have ended, too.
                self.ended += [] if self.present is None else range(self.present, index)
                self.present = index
        return True

    def _on_rollout_end(self) -> None:
        for task in self.ended:
            if task == len(self.rows):
                self._look_back(task)
            elif not self.is_told:
                logger.warning("Task %d has ended, but not the tasks before it were played: there is no matrix.", task)
                self.is_told = True
        self.ended = []

    def _look_back(self, task: int) -> None:
        row = [self._play(self.model, each) for each in range(task + 2)]
        self.memory["rows"].append(row)
        self.memory["ahead"].append(row[-1])
        (untrained,) = twins(self.model, 1, task + 1)
        self.memory["untrained"].append(self._play(untrained, task + 1))
        for name, value in self.numbers().items():
            self.logger.record(name, value)

    def numbers(self) -> dict[str, float]:
        """The last row, and what follows from all of them, as far as it is defined."""
        rows = self.memory["rows"]
        found = {
            "matrix/average": average(rows),
            "forgetting": forgetting(rows),
            "transfer/backward": backward_transfer(rows),
            "transfer/forward": forward_transfer(self.memory["ahead"], self.memory["untrained"]),
        }
        of_row = {f"matrix/task_{task}": value for task, value in enumerate(rows[-1])}
        return {**of_row, **{name: value for name, value in found.items() if value is not None}}

    def _play(self, player: Any, task: int) -> float:
        env = stay_in_task(self.world(), task)
        return mean_return(player, env, self.episodes, self.model.get_vec_normalize_env())
