"""A callback that puts the state of networks and policy, and what methods do, into Stable-Baselines3's own log."""

from __future__ import annotations

from stable_baselines3.common.callbacks import BaseCallback

from plastic_rl.sb3.attachment import plastic_optimizers
from plastic_rl.sb3.forecast import forecast_model
from plastic_rl.sb3.instruments import Instruments, Memory, TaskEnd, ends
from plastic_rl.sb3.shared_clock import warn_of_wrong_pace
from plastic_rl.sb3.task_log import TaskLog
from plastic_rl.validation import whole_number


class PlasticityCallback(BaseCallback):
    """Records ``units/…``, ``rank/…``, ``weights/…``, ``gradient/…``, ``policy/…`` and the counters of methods.

    ::

        model.learn(100_000, callback=PlasticityCallback())

    They are in SB3's next dump: on the console, in TensorBoard, in its files. Once, at the start, the forecast of the
    methods at hand is printed; at the end, what the instruments took. For any algorithm, on-policy or off-policy, plain
    or plastic; training is bit for bit the same with it. Where a task has ended that ``info["task"]`` announced, all
    instruments at its end are recorded under names that begin with ``end/``; distances are from the weights with which
    the callback first met the model.

    Args:
        every: environment steps from one measurement to the next, which waits for the end of a rollout.
        samples: how many observations to look at, of the last rollout or the replay buffer.
        verbose: 0 prints neither forecast nor cost.

    Raises:
        ValueError: a number is out of its range.
    """

    def __init__(self, every: int = 40_960, samples: int = 2048, verbose: int = 1) -> None:
        super().__init__(verbose)
        self.every, self.samples = whole_number("every", every), whole_number("samples", samples)
        if not self.samples:
            raise ValueError("samples must be 1 or more, got 0")
        self.memory, self.tasks = Memory(), TaskLog()
        self.ended: list[TaskEnd] = []
        self._is_forecast = False
        self._next = 0

    def _on_training_start(self) -> None:
        warn_of_wrong_pace(self.training_env)
        self.instruments = Instruments(self.model, self.memory, self.samples)
        self._next = self.num_timesteps + self.every
        if self.verbose and not self._is_forecast and plastic_optimizers(self.model):
            expected = forecast_model(self.model, run_length=self.locals.get("total_timesteps"))
            if not expected.is_empty:
                print(expected.line)
            self._is_forecast = True

    def _on_step(self) -> bool:
        for copy, info in enumerate(self.locals["infos"]):
            before = self.tasks.task.get("index")
            if self.tasks.enters(copy, info.get("task", {})) and before is not None:
                buffer = getattr(self.model, "rollout_buffer", None)
                self.ended.append(TaskEnd(before, 0 if buffer is None else buffer.pos))
        return True

    def _on_rollout_start(self) -> None:
        self._record(self.instruments.after_update())

    def _on_rollout_end(self) -> None:
        for line in ends(self.instruments, self.ended):
            self._record(line)
        self.ended = []
        if self.num_timesteps < self._next:
            return
        self._next = self.num_timesteps + self.every
        self._record(self.instruments.state())
        self.instruments.arm()

    def _on_training_end(self) -> None:
        self._record(self.instruments.after_update())
        if self.verbose:
            print(self.instruments.cost())

    def _record(self, numbers: dict[str, int | float] | dict[str, float]) -> None:
        for name, value in numbers.items():
            self.logger.record(name, value)
        self.instruments.alarms.look(self.num_timesteps, numbers)
