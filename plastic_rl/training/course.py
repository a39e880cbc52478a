"""The way of a learner through a stream: task by task, pass by pass, minibatch by minibatch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from plastic_rl.diagnostics.probing import ProbeSettings
from plastic_rl.learners.learner import Learner
from plastic_rl.learners.losses import scores
from plastic_rl.streams.batches import Chunk, chunks
from plastic_rl.streams.stream import Stream
from plastic_rl.streams.task import Task
from plastic_rl.training.best_weights import BestWeights
from plastic_rl.training.probing import check_probeable, probe_learner
from plastic_rl.training.scoring import ScoreSums, look_at, measure
from plastic_rl.training.task_check import check_tasks
from plastic_rl.training.transcript import Transcript, tested

# On as many examples the state of the network is measured when a task begins (Dohare et al. 2024).
EXAMPLES_TO_DIAGNOSE_ON = 2000

# Takes the numbers of each seed after so many examples of one seed.
Record = Callable[[int, list[dict[str, Any]]], None]


@dataclass
class Position:
    """The position in a course.

    Args:
        task: the current task.
        epoch: the current pass over it.
        place: the place of the next example in the pass.
        examples: how many examples each seed has learned from, counted each time.
        has_begun: whether the learner was prepared for the task.
    """

    task: int = 0
    epoch: int = 0
    place: int = 0
    examples: int = 0
    has_begun: bool = False


class Course:
    """The way of a learner through a stream, to be gone on with from any chunk of minibatches.

    Args:
        streams: one for each seed of the learner, alike in all but their seeds.
        learner: what learns.
        record: takes the numbers of each task: when it begins and when it ends.
        pause: called between two chunks of minibatches, where a run may be saved and stopped.
        probe_every: tasks from one probe to the next, each at the end of a task; 0 for none.
        probe: the settings of probes; None for the usual ones.

    Raises:
        TypeError: the learner cannot be probed.
    """

    def __init__(
        self,
        streams: Sequence[Stream],
        learner: Learner,
        record: Record,
        pause: Callable[[], None],
        *,
        probe_every: int = 0,
        probe: ProbeSettings | None = None,
    ) -> None:
        self.probe_every, self.probe = probe_every, ProbeSettings() if probe is None else probe
        if probe_every:
            check_probeable(learner)
        self.streams, self.learner, self.record, self.pause = streams, learner, record, pause
        self.plan, self.is_regression = streams[0].plan, streams[0].is_regression
        self.position, self.transcript, self.best = Position(), Transcript(), BestWeights()
        self.online, self.latest = ScoreSums(len(streams)), ScoreSums(len(streams))
        self.is_healthy = True

    def go(self) -> None:
        """Goes on to the end of the stream."""
        while self.position.task < self.plan.tasks:
            self._learn_task([stream.task(self.position.task) for stream in self.streams])
            self.position = Position(task=self.position.task + 1, examples=self.position.examples)
            self.pause()

    def _learn_task(self, tasks: list[Task]) -> None:
        self._began = time.monotonic()
        check_tasks(self.streams, tasks, self.learner.networks[0])
        if not self.position.has_begun:
            self._begin(tasks)
        while self.position.epoch < self.plan.epochs:
            self._learn_pass(tasks)
            if self.plan.carries_best:
                self._validate(tasks)
            self.position.epoch, self.position.place = self.position.epoch + 1, 0
        self._end(tasks)

    def _begin(self, tasks: list[Task]) -> None:
        """Tests on a task that returns, prepares the learner, and measures the state of its network."""
        numbers: list[dict[str, Any]] = [{} for _ in tasks]
        left = self.transcript.left.get(tasks[0].identity)
        if left is not None:
            now = tested(self.learner, tasks, self.is_regression)
            for row, before, after in zip(numbers, left, now, strict=True):
                row.update({"return/left_at": before, "return/found_at": after})
        self.learner.begin(tasks[0], self.plan)
        inputs, _ = look_at(tasks, [task.train for task in tasks], 0, EXAMPLES_TO_DIAGNOSE_ON)
        for row, found in zip(numbers, self.learner.diagnose(inputs), strict=True):
            row.update(found)
        self._record(tasks, numbers)
        self.online, self.best = ScoreSums(len(tasks)), BestWeights()
        self.position.has_begun = True

    def _learn_pass(self, tasks: list[Task]) -> None:
        self.learner.set_learning_rate_factor(self.plan.learning_rate_factor(self.position.epoch))
        if self.position.place == 0:
            self.latest = ScoreSums(len(tasks))
        for chunk in chunks(self.streams, tasks, self.position.epoch, self.position.place):
            self._learn_chunk(chunk, tasks[0])
            self.position.place = chunk.end
            self.position.examples += chunk.end - chunk.start
            self.pause()

    def _learn_chunk(self, chunk: Chunk, task: Task) -> None:
        parts = [self.learner.update(inputs, targets, task) for inputs, targets in chunk.minibatches()]
        outputs = torch.cat(parts, 1)
        self.is_healthy = bool(outputs.isfinite().all())
        sums = scores(outputs, chunk.targets, self.is_regression)
        for tally in (self.latest, self.online) if self.position.epoch == 0 else (self.latest,):
            tally.add(sums, chunk.end - chunk.start)

    def _validate(self, tasks: list[Task]) -> None:
        kept = [task.validation for task in tasks if task.validation is not None]
        self.best.offer(self.learner.networks, measure(self.learner, tasks, kept, self.is_regression))

    def _end(self, tasks: list[Task]) -> None:
        """Takes the best weights over, tests, and records how the task went."""
        if self.plan.carries_best:
            self.best.restore_into(self.learner.networks)
        named = "error" if self.is_regression else "accuracy"
        columns: dict[str, list[float]] = {f"online/{named}": self.online.means()}
        if self.plan.epochs > 1:
            columns[f"train/{named}"] = self.latest.means()
        if self.plan.carries_best:
            columns[f"validation/{named}"] = self.best.results
        if tasks[0].test is not None:
            columns[f"test/{named}"] = self._test(tasks)
        numbers: list[dict[str, Any]] = [
            {name: values[seed] for name, values in columns.items()} | self.transcript.metrics(seed)
            for seed in range(len(tasks))
        ]
        for row, probed in zip(numbers, self._probed(tasks), strict=True):
            row.update(probed)
        for row, counted in zip(numbers, self.learner.metrics(), strict=True):
            row.update({**counted, "time/seconds": time.monotonic() - self._began})
        self._record(tasks, numbers)

    def _probed(self, tasks: list[Task]) -> list[dict[str, float]]:
        """The findings of a probe at the end of a task, on its first examples; nothing where none is due."""
        if not self.probe_every or (tasks[0].index + 1) % self.probe_every:
            return [{} for _ in tasks]
        inputs, _ = look_at(tasks, [task.train for task in tasks], 0, self.probe.samples)
        return probe_learner(self.learner, inputs, self.probe)

    def _test(self, tasks: list[Task]) -> list[float]:
        if self.plan.looks_back:
            self.transcript.look_back(self.learner, self.streams, tasks[0].index)
            now = self.transcript.rows[-1][-1]
        else:
            now = tested(self.learner, tasks, self.is_regression)
        self.transcript.left[tasks[0].identity] = now
        return now

    def _record(self, tasks: list[Task], numbers: list[dict[str, Any]]) -> None:
        for task, row, seed in zip(tasks, numbers, self.learner.seeds, strict=True):
            row.update({"seed": seed, "task/index": task.index})
            row.update({f"task/{name}": value for name, value in task.parameters.items()})
        self.record(self.position.examples, numbers)

    def state_dict(self) -> dict[str, Any]:
        """The state that is needed to go on exactly, the learner included."""
        return {
            "position": asdict(self.position),
            "learner": self.learner.state_dict(),
            "online": self.online.state_dict(),
            "latest": self.latest.state_dict(),
            "best": self.best.state_dict(),
            "transcript": self.transcript.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state."""
        self.position = Position(**state["position"])
        self.learner.load_state_dict(state["learner"])
        for name in ("online", "latest", "best", "transcript"):
            getattr(self, name).load_state_dict(state[name])


def example_count(stream: Stream) -> int:
    """The number of examples that one seed learns from in all, counted each time."""
    return stream.plan.epochs * sum(stream.examples(index) for index in range(stream.plan.tasks))


def update_count(stream: Stream) -> int:
    """The number of updates that one seed makes in all."""
    plan = stream.plan
    return plan.epochs * sum(-(-stream.examples(index) // plan.batch_size) for index in range(plan.tasks))
