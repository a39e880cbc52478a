"""The callback that writes down a run: episodes, tasks, losses, and the state of the network."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback

from plastic_rl.nonstationary.task_files import save_tasks
from plastic_rl.runs import Progress, disk_trouble_told
from plastic_rl.sb3.instruments import NETWORKS_EVERY, UPDATES_EVERY, Instruments, Memory, TaskEnd, ends
from plastic_rl.sb3.interval import LOOK, Interval, interval_of
from plastic_rl.sb3.task_log import TaskLog, named
from plastic_rl.sb3.writer import MetricsWriter

log = logging.getLogger(__name__)

# How many finished episodes the progress display averages.
RECENT = 20

# What SB3 logs of each update that alarms go by, and its sign there.
OF_UPDATE = (
    ("policy/entropy", "train/entropy_loss", -1),
    ("policy/kl", "train/approx_kl", 1),
    ("policy/std", "train/std", 1),
)
# Of a replay buffer so many observations are looked at, at equal distances in time.
SAMPLES = 2048


class Chronicle(BaseCallback):
    """Writes a line for each episode and each change of task, and two for each rollout of an on-policy algorithm.

    A rollout's first line holds the diagnostics of the network that collected it, the second the losses of the update
    that followed. Methods are asked for their counters at each rollout, the instruments as seldom as their cost wants.
    Where rollouts are short, as off-policy they are, both are one line every thousand steps, with all instruments.
    Where a task has ended, a line of its own holds them at its end, under names that begin with `end/`.

    Args:
        writer: where the lines go.
        progress: the display to keep informed.
        tasks_file: where the tasks are saved, for `read_tasks`.
        tasks: which the run has met so far.
        memory: of the instruments.
        every: rollouts from one measurement of the networks to the next.
    """

    model: Any  # of either kind, each with `dump_logs`

    def __init__(
        self,
        writer: MetricsWriter,
        progress: Progress,
        tasks_file: Path,
        tasks: TaskLog,
        *,
        memory: Memory,
        every: int = NETWORKS_EVERY,
    ) -> None:
        super().__init__()
        self.memory, self.every = memory, every
        self.ended: list[TaskEnd] = []
        self.writer, self.progress, self.tasks_file, self.tasks = writer, progress, tasks_file, tasks
        self.recent: deque[float] = deque(maxlen=RECENT)
        self.recent_return: float | None = None

    def _on_training_start(self) -> None:
        steps = interval_of(self.model, LOOK)
        self.instruments = Instruments(self.model, self.memory, None if steps == 1 else SAMPLES)
        self.interval, self.is_due = Interval(steps, since=self.num_timesteps), steps == 1
        for missing in self.instruments.not_measured():
            log.info("Not measured here: %s.", missing)

    def _on_rollout_start(self) -> None:
        if self.is_due:
            self._note_update()
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
        for line in ends(self.instruments, self.ended):
            self.writer.record(self.num_timesteps, line)
        self.ended = []

    def _on_training_end(self) -> None:
        if not self.is_due:
            self._record(self.instruments.state())
        self._note_update()
        self._dump()
        log.info("%s", self.instruments.cost())

    def _measure(self) -> None:
        """Looks at what is due: the networks, and the update that follows; all of it where looks are seldom."""
        rollout = 0
        if self.interval.steps == 1:
            rollout = self.num_timesteps // (self.model.n_steps * self.model.n_envs) - 1
        self._record(self.instruments.state() if rollout % self.every == 0 else self.instruments.counters())
        if rollout % min(self.every, UPDATES_EVERY) == 0:
            self.instruments.arm()

    def _record(self, measured: Mapping[str, int | float]) -> None:
        for name, value in measured.items():
            self.logger.record(name, value)
        self.instruments.alarms.look(self.num_timesteps, measured)

    def _note_update(self) -> None:
        """Records what the last update has done, and warns of what has left its healthy range."""
        logged = self.logger.name_to_value
        seen = {name: sign * logged[loss] for name, loss, sign in OF_UPDATE if loss in logged}
        moved = self.instruments.after_update()
        for name, value in moved.items():
            self.logger.record(name, value)
        self.instruments.alarms.look(self.num_timesteps, {**moved, **seen})

    def _dump(self) -> None:
        if self.interval.steps == 1:  # SB3 has written down its episodes itself
            self.logger.dump(self.num_timesteps)
        else:
            self.model.dump_logs()

    def _note_task(self, copy: int, task: dict[str, Any]) -> None:
        before = self.tasks.task.get("index")
        if self.tasks.enters(copy, task):
            if before is not None:
                buffer = getattr(self.model, "rollout_buffer", None)
                self.ended.append(TaskEnd(before, 0 if buffer is None else buffer.pos))
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
