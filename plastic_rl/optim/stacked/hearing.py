"""Methods that hear activations, in several networks at once: the recorders of one network hear for all.

The recorders of a template, vectorised over seeds by `torch.vmap`, hear the forward pass that is run for all networks;
each seed's method is then given what its own recorders would have heard, and does the rest as in a single run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from plastic_rl.optim.recorder import Recorder
from plastic_rl.optim.stacked.networks import StackedNetworks, Template
from plastic_rl.optim.stacked.vectorized import Vectorized
from plastic_rl.optim.unit_replacer import UnitReplacer

Method = TypeVar("Method", bound=UnitReplacer[Any])


class VectorizedHearing(Vectorized, Generic[Method]):
    """Runs the networks of all seeds, and hands over to each seed's method what was heard of its network.

    Args:
        methods: the method of each seed.
        stacked: the networks.
        template: the network that runs for all of them.
        lens: the same method around the template's network, whose recorders hear for all seeds.
    """

    observes = True
    methods: list[Method]
    lens: Method

    def __init__(self, methods: Sequence[Any], stacked: StackedNetworks, template: Template, lens: Any) -> None:
        super().__init__(methods, stacked, template, lens)
        self.recorders = recorders_of(self.lens)
        for recorder in self.recorders:
            recorder.is_vectorized = True
        self.records: list[Tensor] = []
        self._recorded: list[tuple[int, str]] = []  # by which recorder, and which of its values
        self.after_load()

    def forward(self, inputs: Tensor) -> Tensor:
        outputs, *self.records = torch.vmap(self._forward_one)(inputs, *self.tensors)
        return outputs

    @property
    def tensors(self) -> list[Tensor]:
        """The tensors of all seeds that a forward pass needs."""
        return self.stacked.tensors

    def _forward_one(self, inputs: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        self.hold(tensors)
        self.prepare()
        outputs = self.template.network(inputs)
        records = {
            (place, name): value
            for place, recorder in enumerate(self.recorders)
            for name in recorder.values
            if (value := getattr(recorder, name)) is not None
        }
        self._recorded = list(records)
        self.forget()
        return outputs, *records.values()

    def hold(self, tensors: Sequence[Tensor]) -> None:
        """Gives the template the weights of a seed."""
        self.template.hold(tensors)

    def prepare(self) -> None:
        """Gets the lens ready for a forward pass."""

    def forget(self) -> None:
        """Lets go of tensors that are only valid inside `torch.vmap`."""
        for recorder in self.recorders:
            recorder.clear()
        self.template.let_go()

    def hand_over(self, method: Method, seed: int) -> None:
        """Gives the recorders of a seed's method what was heard of its network."""
        recorders = recorders_of(method)
        for (place, name), value in zip(self._recorded, self.records, strict=True):
            setattr(recorders[place], name, value[seed])
        for recorder in recorders:
            recorder.was_heard = True

    @torch.no_grad()
    def after_step(self) -> None:
        for seed, method in enumerate(self.methods):
            self.hand_over(method, seed)
            method.after_step()
        self.after_load()

    def after_load(self) -> None:
        """Lets the template's recorders hear what those of a seed would hear of the next update."""
        for recorder, own in zip(self.recorders, recorders_of(self.methods[0]), strict=True):
            recorder.listen(own.is_listening)


def recorders_of(method: UnitReplacer[Any]) -> list[Recorder]:
    """All recorders of a method, layer by layer."""
    return [recorder for watched in method.watched for recorder in watched.recorders]
