"""Continual backpropagation of several seeds at once: all running averages are brought up to date together.

The code that watches the layers of one network runs on a template, vectorised over seeds by `torch.vmap`. What falls
due is then replaced seed by seed, by the very code that replaces it in a single run.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from plastic_rl.learners.parallel.stacked import Stacked, Template
from plastic_rl.optim import ContinualBackprop
from plastic_rl.optim.activity import ActivityRecorder


class Observatory:
    """Watches the hidden layers of all seeds.

    Args:
        stacked: the networks.
        template: what runs for all of them.
        methods: continual backpropagation of each seed; from now on its running averages are views of stacked ones.
        lens: the same method around the template's network, whose code is run for all seeds.
    """

    def __init__(
        self, stacked: Stacked, template: Template, methods: Sequence[ContinualBackprop], lens: ContinualBackprop
    ) -> None:
        self.stacked, self.template, self.methods, self.lens = stacked, template, methods, lens
        self.state = _share(methods)
        self.recorders = _recorders(lens)
        self.heard: list[Tensor] = []
        self._heard_of: list[tuple[int, str]] = []  # by which recorder, and whether it is a magnitude or a mean
        self._observed: list[int] = []  # which running averages are brought up to date
        self.listen()

    def forward(self, inputs: Tensor) -> Tensor:
        """What the networks say, of shape (seeds, batch, outputs); what their readers hear is kept."""
        outputs, *self.heard = torch.vmap(self._forward_one)(inputs, *self.stacked.tensors, *self.state)
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
        self.listen()

    @property
    def _steps(self) -> int:
        return self.methods[0].memory["step"]

    def listen(self) -> None:
        """Lets the template's layers hear what the next update of any seed needs."""
        falls_due = any(method.falls_due() for method in self.methods)
        for watched in self.lens.watched:
            watched.listen(falls_due)

    def _forward_one(self, inputs: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        self._hold(tensors)
        for watched in self.lens.watched:
            watched.centre(self._steps)
        outputs = self.template.network(inputs)
        heard = {
            (place, name): value
            for place, recorder in enumerate(self.recorders)
            for name in ("magnitude", "mean")
            if (value := getattr(recorder, name)) is not None
        }
        self._heard_of = list(heard)
        self._forget()
        return outputs, *heard.values()

    def _observe(self) -> None:
        latest = torch.vmap(self._observe_one)(*self.stacked.tensors, *self.state, *self.heard)
        self._forget()
        averages = [self.state[place] for place in self._observed]
        if averages:
            torch._foreach_lerp_(averages, list(latest), 1 - self.lens.decay_rate)  # pyright: ignore

    def _observe_one(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        count = len(self.template) + len(self.state)
        self._hold(tensors[:count])
        for (place, name), value in zip(self._heard_of, tensors[count:], strict=True):
            setattr(self.recorders[place], name, value)
        pairs = [pair for watched in self.lens.watched for pair in watched.observed()]
        places = {id(each): place for place, each in enumerate(tensors[len(self.template) : count])}
        self._observed = [places[id(average)] for average, _ in pairs]
        return tuple(latest for _, latest in pairs)

    def _hold(self, tensors: Sequence[Tensor]) -> None:
        """Gives the template its weights, and the lens its state."""
        self.template.hold(tensors[: len(self.template)])
        rest = iter(tensors[len(self.template) :])
        for watched in self.lens.watched:
            watched.hold(rest)

    def _replace(self, method: ContinualBackprop, seed: int, step: int) -> None:
        recorders = _recorders(method)
        for (place, name), value in zip(self._heard_of, self.heard, strict=True):
            setattr(recorders[place], name, value[seed])
        method.replace_due(step)
        for recorder in recorders:
            recorder.clear()

    def _forget(self) -> None:
        """Lets go of tensors that are only valid inside `torch.vmap`."""
        for recorder in self.recorders:
            recorder.clear()
            recorder.centre = None
        self.template.let_go()


def _recorders(method: ContinualBackprop) -> list[ActivityRecorder]:
    return [recorder for watched in method.watched for recorder in watched.recorders]


def _share(methods: Sequence[ContinualBackprop]) -> list[Tensor]:
    """Stacks the state of all seeds, and lets each seed's watched layers keep views of it."""
    own = [[tensor for watched in method.watched for tensor in watched.tensors()] for method in methods]
    stacked = [torch.stack(same) for same in zip(*own, strict=True)]
    for seed, method in enumerate(methods):
        views = iter([tensor[seed] for tensor in stacked])
        for watched in method.watched:
            watched.hold(views)
    return stacked
