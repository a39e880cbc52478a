"""Looks at a network beside fresh ones on the same inputs."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from torch import Tensor, nn

from plastic_rl.doctor.complaints import Complaint, LayerExamination, Symptom, complaint, complaints
from plastic_rl.doctor.counterparts import counterparts
from plastic_rl.doctor.figures import Figures, mean, measure, worst
from plastic_rl.doctor.table import layer_table
from plastic_rl.layers import HiddenLayer, replaceable_layers
from plastic_rl.layers.proof import undisturbed
from plastic_rl.seeding import seed_for_now

HEALTHY = "No sign of a loss of plasticity."


@dataclass(frozen=True)
class Examination:
    """The state of a network.

    Args:
        layers: each hidden layer, beside those of fresh networks.
        complaints: what is amiss; empty for a healthy network.
        left_out: the layers that were not looked at, by name, and why.
        probe: where the inputs come from, in words.
        methods: the names of the plasticity methods that train it.
    """

    layers: list[LayerExamination]
    complaints: list[Complaint]
    left_out: dict[str, str] = field(default_factory=dict)
    probe: str = "the inputs that were given"
    methods: list[str] = field(default_factory=list)

    @property
    def is_healthy(self) -> bool:
        """True if there is nothing to complain about."""
        return not self.complaints

    def as_dict(self) -> dict[str, Any]:
        """All of it in plain values, as ``--json`` prints it."""
        layers = [{**asdict(layer), "growth": layer.growth} for layer in self.layers]
        return _finite({"healthy": self.is_healthy, **asdict(self), "layers": layers})

    def __str__(self) -> str:
        lines = [f"Looked at with {self.probe}. In brackets: fresh networks on the same."]
        lines += layer_table(self.layers) if self.layers else []
        lines += [f"{name}: not looked at, {why}." for name, why in self.left_out.items()]
        lines += [f"Trained with {', '.join(self.methods)}."] if self.methods else []
        return "\n".join([*lines, *(each.text for each in self.complaints)] if self.complaints else [*lines, HEALTHY])


def examine(
    network: nn.Module, fresh: nn.Module | Sequence[nn.Module], *inputs: Any, ignore: Collection[str] = ()
) -> Examination:
    """Looks at the hidden layers of a network, and at those of fresh ones on the same inputs.

    ::

        print(examine(network, [make_network() for _ in range(4)], batch))

    No network is changed, nor is the global random-number stream. A method that watches the network records what runs
    through it: call this between two updates, not between a backward pass and its step.

    Args:
        network: the one in question; the tensors that its forward pass returns must depend on its layers
            differentiably.
        fresh: one of the same make, freshly initialised; better several, which show what chance does.
        inputs: a batch of real inputs, as ``network(*inputs)``, with the samples along the first axis: several
            hundred.
        ignore: names of layers to leave out.

    Raises:
        ValueError: the networks are not of the same make, or no hidden layer can be looked at.
    """
    broken = broken_layers(network)
    if broken:
        return Examination([], [complaint(Symptom.broken, broken)])
    found, left_out = looked_at(network, [fresh] if isinstance(fresh, nn.Module) else list(fresh), inputs, ignore)
    if not found:
        raise ValueError("the network has no hidden layer whose units could be looked at")
    return Examination(found, complaints(found), left_out)


def looked_at(
    network: nn.Module, fresh: Sequence[nn.Module], inputs: tuple[Any, ...], ignore: Collection[str] = ()
) -> tuple[list[LayerExamination], dict[str, str]]:
    """The layers of a network beside those of fresh ones, and those that are left out, with the reasons."""
    layers, left_out = replaceable_layers(network, *few(inputs), ignore=ignore)
    now = _measured(network, layers, inputs)
    then = [_measured(each, counterparts(layers, network, each), inputs) for each in fresh]
    return [_beside(layer, now[layer.name], [each[layer.name] for each in then]) for layer in layers], left_out


def _measured(network: nn.Module, layers: list[HiddenLayer], inputs: tuple[Any, ...]) -> dict[str, Figures]:
    with undisturbed(network):
        seed_for_now(0)  # a policy draws actions
        return measure(layers, lambda: network(*inputs))


def _beside(layer: HiddenLayer, now: Figures, fresh: list[Figures]) -> LayerExamination:
    return LayerExamination(layer.name, layer.units, now, mean(fresh), worst(fresh))


def broken_layers(network: nn.Module) -> list[str]:
    """The parameters and buffers of a network that hold numbers which are not finite."""
    tensors = [*network.named_parameters(), *network.named_buffers()]
    return [name for name, tensor in tensors if not bool(tensor.isfinite().all())]


def few(inputs: Any) -> Any:
    """Two samples of a batch, whatever nest of tuples, lists and dicts it is."""
    if isinstance(inputs, Tensor):
        return inputs[:2] if inputs.dim() else inputs
    if isinstance(inputs, dict):
        return {name: few(part) for name, part in inputs.items()}
    return tuple(few(part) for part in inputs) if type(inputs) in (tuple, list) else inputs


def _finite(values: Any) -> Any:
    """The same with None in place of numbers that are not finite, which JSON does not have."""
    if isinstance(values, dict):
        return {name: _finite(value) for name, value in values.items()}
    if isinstance(values, list):
        return [_finite(value) for value in values]
    return None if isinstance(values, float) and not math.isfinite(values) else values
