"""Replacement at a rate in several networks at once: all running averages are brought up to date together.

The code that watches the layers of one network runs on a template, vectorised over seeds by `torch.vmap`. What falls
due is then replaced seed by seed, by the very code that replaces it in a single run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from plastic_rl.optim.budgeted_replacer import BudgetedReplacer
from plastic_rl.optim.stacked.hearing import VectorizedHearing, recorders_of
from plastic_rl.optim.stacked.networks import StackedNetworks, Template


class VectorizedReplacer(VectorizedHearing[BudgetedReplacer]):
    """Watches the hidden layers of all seeds at once.

    Args:
        methods: the method of each seed; from now on its running averages are views of stacked ones.
        stacked: the networks.
        template: the network that runs for all of them.
        lens: the same method around the template's network, whose code is run for all seeds.
    """

    def __init__(self, methods: Sequence[Any], stacked: StackedNetworks, template: Template, lens: Any) -> None:
        self.state = _share(methods)
        self._averaged: list[int] = []  # which running averages are brought up to date
        super().__init__(methods, stacked, template, lens)

    @property
    def tensors(self) -> list[Tensor]:
        return [*self.stacked.tensors, *self.state]

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

    def prepare(self) -> None:
        self.lens.centre(self._steps)

    def _observe(self) -> None:
        latest = torch.vmap(self._observe_one)(*self.tensors, *self.records)
        self.forget()
        averages = [self.state[place] for place in self._averaged]
        if averages:
            torch._foreach_lerp_(averages, list(latest), 1 - self.lens.decay_rate)  # pyright: ignore

    def _observe_one(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        count = len(self.tensors)
        self.hold(tensors[:count])
        for (place, name), value in zip(self._recorded, tensors[count:], strict=True):
            setattr(self.recorders[place], name, value)
        pairs = self.lens.observed()
        places = {id(each): place for place, each in enumerate(tensors[len(self.template) : count])}
        self._averaged = [places[id(average)] for average, _ in pairs]
        return tuple(latest for _, latest in pairs)

    def hold(self, tensors: Sequence[Tensor]) -> None:
        """Gives the template its weights, and the lens its state."""
        super().hold(tensors[: len(self.template)])
        rest = iter(tensors[len(self.template) :])
        for watched in self.lens.watched:
            watched.hold(rest)

    def _replace(self, method: BudgetedReplacer, seed: int, step: int) -> None:
        self.hand_over(method, seed)
        method.replace_due(step)
        for recorder in recorders_of(method):
            recorder.clear()

    def forget(self) -> None:
        super().forget()
        for watched in self.lens.watched:
            for recorder in watched.recorders:
                recorder.centre = None


def _share(methods: Sequence[BudgetedReplacer]) -> list[Tensor]:
    """Stacks the state of all seeds, and lets each seed's watched layers keep views of it."""
    separate = [[tensor for watched in method.watched for tensor in watched.tensors()] for method in methods]
    stacked = [torch.stack(same) for same in zip(*separate, strict=True)]
    for seed, method in enumerate(methods):
        views = iter([tensor[seed] for tensor in stacked])
        for watched in method.watched:
            watched.hold(views)
    return stacked
