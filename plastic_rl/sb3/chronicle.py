"""The callback that writes down a run: episodes, tasks, losses, and the state of the network."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback

from plastic_rl.nonstationary.task_files import save_tasks
from plastic_rl.runs import Progress, disk_trouble_told
from plastic_rl.sb3.interval import LOOK, Interval, interval_of
from plastic_rl.sb3.network_metrics import NetworkMetrics
from plastic_rl.sb3.task_log import TaskLog, named
from plastic_rl.sb3.writer import MetricsWriter

# How many finished episodes the progress display averages.
RECENT = 20

# Of a replay buffer so many observations are looked at, at equal distances in time.
SAMPLES = 2048


class Chronicle(BaseCallback):
    """Writes a line for each episode and each change of task, and two for each rollout of an on-policy algorithm.

    A rollout's first line holds the diagnostics of the network that collected it, the second the losses of the update
    that followed. Where rollouts are short, as off-policy they are, both are one line every thousand steps.

    Args:
        writer: where the lines go.
        progress: the display to keep informed.
        tasks_file: where the tasks are saved, for `read_tasks`.
        tasks: which the run has met so far.
    """

    model: Any  # of either kind, each with `dump_logs`

    def __init__(self, writer: MetricsWriter, progress: Progress, tasks_file: Path, tasks: TaskLog) -> None:
        super().__init__()
        self.writer, self.progress, self.tasks_file, self.tasks = writer, progress, tasks_file, tasks
        self.recent: deque[float] = deque(maxlen=RECENT)
        self.recent_return: float | None = None

    def _on_training_start(self) -> None:
        steps = interval_of(self.model, LOOK)
        self.networks = NetworkMetrics(self.model, None if steps == 1 else SAMPLES)
        self.interval, self.is_due = Interval(steps, since=self.num_timesteps), steps == 1

    def _on_rollout_start(self) -> None:
        if self.is_due:
            self._dump()

    def _on_step(self) -> bool:
        for copy, info in enumerate(self.locals["infos"]):
            self._note_task(copy, info.get("task", {}))
            if "episode" in info:
                self._note_episode(info["episode"], info.get("task", {}))
        if self.num_timesteps <= self.progress.total:  # else the rollout is finished, which may enter another task
            self.progress.update(self.num_timesteps, task=self.tasks.label, recent_return=self.recent_return)
        return True

    def _on_rollout_end(self) -> None:
        self.is_due = self.interval.is_over(self.num_timesteps)
        if self.is_due:
            self._measure()

    def _on_training_end(self) -> None:
        if not self.is_due:
            self._measure()
        self._dump()

    def _measure(self) -> None:
        for name, value in self.networks.measure().items():
            self.logger.record(name, value)

    def _dump(self) -> None:
        if self.interval.steps == 1:  # SB3 has written down its episodes itself
            self.logger.dump(self.num_timesteps)
        else:
            self.model.dump_logs()

    def _note_task(self, copy: int, task: dict[str, Any]) -> None:
        if self.tasks.enters(copy, task):
            self.writer.record(self.num_timesteps, named(task))
            self._save_tasks(task["index"] + 1)

    def _note_episode(self, episode: dict[str, Any], task: dict[str, Any]) -> None:
        self.recent.append(episode["r"])
        self.recent_return = sum(self.recent) / len(self.recent)
        numbers = {"episode/return": episode["r"], "episode/length": episode["l"]}
        self.writer.record(self.num_timesteps, {**numbers, **named(task)})

    def _save_tasks(self, count: int) -> None:
        """Saves all tasks up to now, those included that were over before an episode began in them."""
        environment = self.training_env
        if environment.has_attr("parameters"):
            met = (environment.env_method("parameters", index, indices=[0])[0] for index in range(count))
            with disk_trouble_told(self.tasks_file):
                save_tasks(met, self.tasks_file)
