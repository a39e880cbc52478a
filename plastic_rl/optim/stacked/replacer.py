"""Replacement at a rate in several networks at once: all running averages are brought up to date together.

The code that watches the layers of one network runs on a template, vectorised over seeds by `torch.vmap`. What falls
due is then replaced seed by seed, by the very code that replaces it in a single run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from plastic_rl.optim.activity import ActivityRecorder
from plastic_rl.optim.budgeted_replacer import BudgetedReplacer
from plastic_rl.optim.stacked.networks import StackedNetworks, Template
from plastic_rl.optim.stacked.vectorized import Vectorized


class VectorizedReplacer(Vectorized):
    """Watches the hidden layers of all seeds at once.

    Args:
        methods: the method of each seed; from now on its running averages are views of stacked ones.
        stacked: the networks.
        template: the network that runs for all of them.
        lens: the same method around the template's network, whose code is run for all seeds.
    """

    observes = True
    methods: list[BudgetedReplacer]
    lens: BudgetedReplacer

    def __init__(self, methods: Sequence[Any], stacked: StackedNetworks, template: Template, lens: Any) -> None:
        super().__init__(methods, stacked, template, lens)
        self.state = _share(self.methods)
        self.recorders = _recorders(self.lens)
        for recorder in self.recorders:
            recorder.is_vectorized = True
        self.records: list[Tensor] = []
        self._recorded: list[tuple[int, str]] = []  # by which recorder, and whether it is a magnitude or a mean
        self._averaged: list[int] = []  # which running averages are brought up to date
        self.after_load()

    def forward(self, inputs: Tensor) -> Tensor:
        outputs, *self.records = torch.vmap(self._forward_one)(inputs, *self.stacked.tensors, *self.state)
        return outputs

    @torch.no_grad()
    def after_step(self) -> None:
        """Brings the averages of all seeds up to date, and replaces what falls due in each."""
        self._observe()
        step = self._steps + 1
        for seed, method in enumerate(self.methods):
            if method.falls_due():
                self._replace(method, seed, step)
            method.count_step()
        self.after_load()

    @property
    def _steps(self) -> int:
        return self.methods[0].memory["step"]

    def after_load(self) -> None:
        """Lets the template's layers hear what the next update of any seed needs."""
        self.lens.listen(any(method.falls_due() for method in self.methods))

    def _forward_one(self, inputs: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        self._hold(tensors)
        self.lens.centre(self._steps)
        outputs = self.template.network(inputs)
        records = {
            (place, name): value
            for place, recorder in enumerate(self.recorders)
            for name in ("magnitude", "mean")
            if (value := getattr(recorder, name)) is not None
        }
        self._recorded = list(records)
        self._forget()
        return outputs, *records.values()

    def _observe(self) -> None:
        latest = torch.vmap(self._observe_one)(*self.stacked.tensors, *self.state, *self.records)
        self._forget()
        averages = [self.state[place] for place in self._averaged]
        if averages:
            torch._foreach_lerp_(averages, list(latest), 1 - self.lens.decay_rate)  # pyright: ignore

    def _observe_one(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        count = len(self.template) + len(self.state)
        self._hold(tensors[:count])
        for (place, name), value in zip(self._recorded, tensors[count:], strict=True):
            setattr(self.recorders[place], name, value)
        pairs = self.lens.observed()
        places = {id(each): place for place, each in enumerate(tensors[len(self.template) : count])}
        self._averaged = [places[id(average)] for average, _ in pairs]
        return tuple(latest for _, latest in pairs)

    def _hold(self, tensors: Sequence[Tensor]) -> None:
        """Gives the template its weights, and the lens its state."""
        self.template.hold(tensors[: len(self.template)])
        rest = iter(tensors[len(self.template) :])
        for watched in self.lens.watched:
            watched.hold(rest)

    def _replace(self, method: BudgetedReplacer, seed: int, step: int) -> None:
        recorders = _recorders(method)
        for (place, name), value in zip(self._recorded, self.records, strict=True):
            setattr(recorders[place], name, value[seed])
        for recorder in recorders:
            recorder.was_heard = True
        method.replace_due(step)
        for recorder in recorders:
            recorder.clear()

    def _forget(self) -> None:
        """Lets go of tensors that are only valid inside `torch.vmap`."""
        for recorder in self.recorders:
            recorder.clear()
            recorder.centre = None
        self.template.let_go()


def _recorders(method: BudgetedReplacer) -> list[ActivityRecorder]:
    return [recorder for watched in method.watched for recorder in watched.recorders]


def _share(methods: Sequence[BudgetedReplacer]) -> list[Tensor]:
    """Stacks the state of all seeds, and lets each seed's watched layers keep views of it."""
    separate = [[tensor for watched in method.watched for tensor in watched.tensors()] for method in methods]
    stacked = [torch.stack(same) for same in zip(*separate, strict=True)]
    for seed, method in enumerate(methods):
        views = iter([tensor[seed] for tensor in stacked])
        for watched in method.watched:
            watched.hold(views)
    return stacked
