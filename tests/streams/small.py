"""Streams small enough to be worked out by hand, and learners that say what they are told to say."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch
from torch import nn

from plastic_rl.learners import Blueprint, Learner
from plastic_rl.streams import Examples, Plan, Stream, Task
from plastic_rl.streams.draws import source
from plastic_rl.training.course import Course


class Numbers(Stream):
    """Tasks whose inputs are the numbers of their examples, times ten to the power of the task: 0, 1, 2; 0, 10, 20.

    Args:
        plan: how it is gone through.
        seed: of the order alone.
        targets: of each task's examples.
        test: targets of each task's test examples, whose inputs are -1, -2, ...; None for no test.
        validation: the same of examples that choose weights.
        width: how many classes there are, or numbers to regress on.
        changes: what each task has that differs from a plain one, by index.
    """

    def __init__(
        self, plan, seed=0, *, targets, test=None, validation=None, width=2, changes=None, is_regression=False
    ):
        super().__init__(plan, seed)
        self.targets, self.test, self.validation = targets, test, validation
        self.width, self.changes, self.is_regression = width, changes or {}, is_regression

    @property
    def shape(self):
        return (1,)

    @property
    def outputs(self):
        return self.width

    def task(self, index):
        targets = torch.tensor(self.targets[index])
        inputs = torch.arange(len(targets))[:, None] * 10.0**index
        task = Task(
            index,
            Examples(inputs, targets),
            slice(0, self.width),
            held_out(self.test, index),
            held_out(self.validation, index),
        )
        return replace(task, **self.changes.get(index, {}))


def held_out(targets, index):
    if targets is None:
        return None
    return Examples(-1.0 - torch.arange(len(targets[index]))[:, None], torch.tensor(targets[index]))


class Blobs(Stream):
    """Classes that are a drawn pattern and noise; each task has patterns of its own.

    Args:
        plan: how it is gone through.
        seed: of everything.
        shape: of an input.
        classes: of each task.
        examples: to learn from, of a task.
        is_split: whether each task has classes of its own.
        returning: how many different tasks there are; 0 for no task twice.
        is_augmented: whether noise is added to what is learned from.
    """

    def __init__(
        self, plan, seed=0, *, shape=(4,), classes=3, examples=22, is_split=False, returning=0, is_augmented=False
    ):
        super().__init__(plan, seed)
        self._shape, self.classes, self.count = shape, classes, examples
        self.is_split, self.returning, self.is_augmented = is_split, returning, is_augmented

    @property
    def shape(self):
        return self._shape

    @property
    def outputs(self):
        return self.classes * (self.plan.tasks if self.is_split else 1)

    def task(self, index):
        identity = index % self.returning if self.returning else index
        first = self.classes * index if self.is_split else 0
        patterns = torch.randn(self.classes, *self.shape, generator=source(self.seed, "patterns", identity))
        train, test, validation = (
            self.examples_of(patterns, first, source(self.seed, part, identity), count)
            for part, count in (("train", self.count), ("test", 9), ("validation", 6))
        )
        augment = (
            (lambda seen, drawn: seen + 0.1 * torch.randn(seen.shape, generator=drawn)) if self.is_augmented else None
        )
        return Task(
            index, train, slice(first, first + self.classes), test, validation, augment=augment, identity=identity
        )

    def examples_of(self, patterns, first, drawn, count):
        labels = torch.randint(self.classes, (count,), generator=drawn)
        return Examples(patterns[labels] + 0.2 * torch.randn(count, *self.shape, generator=drawn), labels + first)


class Scripted(Learner):
    """Learns nothing but the last target that it saw, says that this is the next one, and keeps a diary.

    Args:
        streams: one for each seed.
    """

    def __init__(self, streams):
        self.seeds = tuple(stream.seed for stream in streams)
        self.width, self.is_regression = streams[0].outputs, streams[0].is_regression
        self.diary = []
        self.weights = [Memory() for _ in streams]

    @property
    def networks(self):
        return self.weights

    def begin(self, task, plan):
        self.diary.append(f"begin {task.index}")

    def set_learning_rate_factor(self, factor):
        self.diary.append(f"rate {factor:g}")

    def update(self, inputs, targets, task):
        said = self.say(inputs, task)
        self.diary.append(f"learn {inputs.flatten(1).tolist()}")
        for memory, own in zip(self.weights, targets, strict=True):
            memory.last.data.fill_(float(own[-1]))
        return said

    def predict(self, inputs, task):
        self.diary.append(f"predict {inputs.flatten(1).tolist()}")
        return self.say(inputs, task)

    def say(self, inputs, task):
        width = task.outputs.stop - (task.outputs.start or 0)
        last = torch.stack([memory.last.detach() for memory in self.weights])
        if self.is_regression:
            return last[:, None, None].expand(-1, inputs.shape[1], width)
        said = nn.functional.one_hot(last.long(), width).float()
        return said[:, None].expand(-1, inputs.shape[1], -1)

    def diagnose(self, inputs):
        self.diary.append(f"diagnose {inputs.flatten(1).tolist()}")
        return [{"units/dead": 0.0} for _ in self.seeds]

    def metrics(self):
        return [{"cbp/replaced": 7} for _ in self.seeds]

    def state_dict(self):
        return {"last": [memory.last.item() for memory in self.weights]}

    def load_state_dict(self, state):
        for memory, last in zip(self.weights, state["last"], strict=True):
            memory.last.data.fill_(last)


class Memory(nn.Module):
    """The last target that was seen."""

    def __init__(self):
        super().__init__()
        self.last = nn.Parameter(torch.zeros(()))


def go_through(streams, learner, pause=lambda course, recorded: None, saved=None):
    """Goes through a stream, and returns what was recorded as (examples, numbers) without times.

    Args:
        streams: one for each seed.
        learner: what learns.
        pause: called between two chunks with the course and what was recorded so far.
        saved: a course's state to go on from.
    """
    recorded = []
    course = Course(
        streams,
        learner,
        lambda step, numbers: recorded.append((step, without_times(numbers))),
        lambda: pause(course, recorded),
    )
    if saved is not None:
        course.load_state_dict(saved)
    course.go()
    return recorded


def without_times(numbers):
    return [{name: value for name, value in own.items() if not name.startswith("time/")} for own in numbers]


def blueprint(network, *, optimizer=None, **settings):
    """How a learner of a small network is made; plain SGD unless another optimiser is given."""
    return Blueprint(network, optimizer or partial(torch.optim.SGD, lr=0.1), **settings)


def mlp(inputs=4, outputs=3, width=8):
    return nn.Sequential(
        nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, outputs)
    )


def plan(tasks=2, epochs=1, batch_size=4, **settings):
    return Plan(tasks, epochs, batch_size, **settings)
