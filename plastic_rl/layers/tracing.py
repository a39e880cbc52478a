"""Follows hidden units from the layers that produce them to the layers that read them, by experiment.

The network runs once and each layer remembers what it said. Then it runs again and again on the same input, each layer
repeating what it said whatever it hears, except that one layer marks some of its units (by "not a number", which no
non-linearity swallows). Whoever hears something else than before reads a marked unit. A binary code of the units finds
all readers of a layer of n units in 2 log₂ n runs, and as no layer computes anything, a run costs next to nothing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from plastic_rl.layers.kinds import LAYERS, has_entries, outputs, unit_axis
from plastic_rl.layers.port import column_axis
from plastic_rl.seeding import seed_for_now


class Trace(NamedTuple):
    """The reach of one layer's units.

    Args:
        reach: for each unit, by the name of what it reaches, the columns of layers and the entries of norms.
        is_output: whether the units reach the network's output by a way that no layer reads.
    """

    reach: list[dict[str, list[int]]]
    is_output: bool


class Tracer:
    """Runs a network whose layers repeat what they said while one of them marks some of its units.

    Args:
        network: the module, in evaluation mode.
        example: one example input, as ``network(*example)``.
    """

    def __init__(self, network: nn.Module, example: tuple[Any, ...]) -> None:
        self.network, self.example = network, example
        self.stations = {
            name: Station(module)
            for name, module in network.named_modules()
            if isinstance(module, LAYERS) or has_entries(module)
        }
        self.is_changed = self.is_differentiable = False
        self.clean = self._run()
        self.stations = {name: station for name, station in self.stations.items() if station.outputs}
        for station in self.stations.values():
            station.repeats = True

    @property
    def producers(self) -> list[str]:
        """The names of the layers that ran, in the order of the network's modules."""
        return [name for name, station in self.stations.items() if isinstance(station.module, LAYERS)]

    def trace(self, name: str) -> Trace:
        """The reach of each unit of a layer."""
        units = outputs(self.stations[name].module)
        self._reached(name, torch.ones(units, dtype=torch.bool))
        is_output = self.is_changed
        found = self._decode(name, units)
        if not all(found.values()):
            found = self._one_by_one(name, units)
        reach: list[dict[str, list[int]]] = [defaultdict(list) for _ in range(units)]
        for (site, column), owners in sorted(found.items()):
            for unit in owners:
                reach[unit][site].append(column)
        return Trace(reach, is_output)

    def _decode(self, name: str, units: int) -> dict[tuple[str, int], list[int]]:
        """The unit that each place hears, if it is one alone: each bit of its number is heard as a 1 or as a 0."""
        number = torch.arange(units)
        total, doubtful = defaultdict(int), set()
        for bit in range(max(1, math.ceil(math.log2(units)))):
            has_bit = (number >> bit & 1).bool()
            ones, zeros = _places(self._reached(name, has_bit)), _places(self._reached(name, ~has_bit))
            doubtful |= ones & zeros
            for place in ones | zeros:
                total[place] += (place in ones) << bit
        return defaultdict(list, {place: [] if place in doubtful else [unit] for place, unit in total.items()})

    def _one_by_one(self, name: str, units: int) -> dict[tuple[str, int], list[int]]:
        """The units that each place hears, one run for each unit: for places that hear several."""
        found = defaultdict(list)
        for unit in range(units):
            for place in _places(self._reached(name, torch.arange(units) == unit)):
                found[place].append(unit)
        return found

    def _reached(self, name: str, marks: Bool[Tensor, " units"]) -> dict[str, Tensor]:
        """Which columns of each layer and entries of each norm hear the marked units of a layer."""
        for station in self.stations.values():
            station.start()
        source = self.stations[name]
        source.marks = marks
        try:
            self.is_changed = any(_differ(a, b) for a, b in zip(self.clean, self._run(), strict=True))
        except (ValueError, RuntimeError):  # a distribution, say, that does not take what is not a number
            self.is_changed = True
        finally:
            source.marks = None
        return {name: station.hears for name, station in self.stations.items() if station.hears is not None}

    def _run(self) -> list[Tensor]:
        seed_for_now(0)
        with _speaking(self.stations.values()), handed_out(self.network) as states:
            output = [tensor for tensor in tensors_in(self.network(*self.example)) if storage(tensor) not in states]
        self.is_differentiable |= any(tensor.requires_grad for tensor in output)
        return [tensor.detach().clone() for tensor in output]


class Station:
    """A layer or norm on the way: its inputs and outputs of the first run, and its output instead."""

    def __init__(self, module: nn.Module) -> None:
        self.module, self.is_norm = module, has_entries(module)
        self.repeats, self.calls = False, 0
        self.inputs: list[list[Tensor]] = []
        self.outputs: list[Any] = []
        self.marks: Bool[Tensor, " units"] | None = None
        self.hears: Bool[Tensor, " columns"] | None = None

    def start(self) -> None:
        """A new run begins."""
        self.calls, self.hears = 0, None

    def forward(self, original: Any, *args: Any, **named: Any) -> Any:
        """The module's output in place of its own forward pass."""
        entering = self._entering([*args, *named.values()])
        if not self.repeats or self.calls >= len(self.outputs):
            output = original(*args, **named)
            self.inputs.append([tensor.detach().clone() for tensor in entering])
            self.outputs.append(output)
            return output
        inputs, output = self.inputs[self.calls], self.outputs[self.calls]
        self.calls += 1
        self._listen(inputs, entering)
        if self.is_norm:  # units pass through a norm, whatever it does to them
            return torch.where(_changed(inputs[0], entering[0]), torch.nan, output)
        return output if self.marks is None else self._mark(output, self.marks)

    def _entering(self, values: list[Any]) -> list[Tensor]:
        count = 3 if isinstance(self.module, nn.MultiheadAttention) else 1
        return [value.data if isinstance(value, PackedSequence) else value for value in values[:count]]

    def _listen(self, inputs: list[Tensor], entering: list[Tensor]) -> None:
        for before, now in zip(inputs, entering, strict=True):
            changed = _changed(before, now)
            axis = unit_axis(self.module, now.dim())
            columns = changed.movedim(axis, -1).reshape(-1, now.shape[axis]).any(0)
            if columns.any():
                self.hears = columns if self.hears is None else self.hears | columns

    def _mark(self, output: Any, marks: Bool[Tensor, " units"]) -> Any:
        if isinstance(output, PackedSequence):
            return output._replace(data=self._mark(output.data, marks))
        if isinstance(output, Tensor):
            taps = -1 - column_axis(self.module)
            return torch.where(marks.to(output.device).view(-1, *[1] * taps), torch.nan, output)
        hidden, state = self._mark(output[0], marks), output[1]
        if isinstance(self.module, nn.MultiheadAttention):
            return hidden, state
        return hidden, (self._mark(state[0], marks), state[1]) if isinstance(state, tuple) else self._mark(state, marks)


@contextmanager
def _speaking(stations: Iterable[Station]) -> Iterator[None]:
    """Lets the stations speak in place of their modules."""
    forwards = {station: station.module.__dict__.get("forward") for station in stations}
    for station in forwards:
        station.module.forward = partial(station.forward, station.module.forward)
    try:
        yield
    finally:
        for station, forward in forwards.items():
            del station.module.forward
            if forward is not None:
                station.module.forward = forward


@contextmanager
def handed_out(network: nn.Module) -> Iterator[dict[int, Tensor]]:
    """The store of the states that recurrent layers hand out while the network runs.

    A network that returns them as they are does so for its next call. They are no output: what a unit says to itself
    need not be silent.
    """
    states: dict[int, Tensor] = {}  # the tensors are held on to, so that nothing else is put where they are

    def note(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        states.update({storage(tensor): tensor for tensor in tensors_in(output[1])})

    recurrent = [module for module in network.modules() if isinstance(module, nn.RNNBase)]
    hooks = [module.register_forward_hook(note) for module in recurrent]
    try:
        yield states
    finally:
        for hook in hooks:
            hook.remove()


def storage(tensor: Tensor) -> int:
    """The address of the numbers of a tensor."""
    return tensor.untyped_storage().data_ptr()


def tensors_in(output: Any) -> list[Tensor]:
    """All tensors in a nest of tuples, lists and dicts."""
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, dict):
        output = list(output.values())
    return [tensor for part in output for tensor in tensors_in(part)] if isinstance(output, list | tuple) else []


def _changed(before: Tensor, now: Tensor) -> Bool[Tensor, "..."]:
    return (now != before) & ~(before.isnan() & now.isnan())


def _differ(before: Tensor, now: Tensor) -> bool:
    return before.shape != now.shape or bool(_changed(before, now).any())


def _places(reached: dict[str, Tensor]) -> set[tuple[str, int]]:
    return {(name, column) for name, columns in reached.items() for column in columns.nonzero().flatten().tolist()}
