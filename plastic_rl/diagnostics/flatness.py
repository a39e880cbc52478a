"""On which samples a hidden unit's activation is flat, so that no gradient passes it, for any kind of activation.

An activation is flat where its slope is below 1 % of the steepest that it has anywhere: ReLU at and below 0, tanh
beyond ±2.99, the sigmoid beyond ±5.99. A unit that is flat on nearly all samples is stuck: its output hardly depends on
its input, and its incoming weights learn nothing. It is dead if its output is nothing, and saturated otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.graph import Node
from torch.overrides import TorchFunctionMode

from plastic_rl.layers import HiddenLayer
from plastic_rl.layers.kinds import inputs, outputs
from plastic_rl.layers.port import column_axis

FLAT_BELOW = 0.01  # of the steepest slope
SILENT_BELOW = 0.02  # the magnitude of what an activation says
STUCK_SHARE = 0.99  # of the samples; Dohare et al. (2024) let a dead unit be active on 1 % of them

# The steepest slope of each activation, by torch's name of its derivative.
STEEPEST = {
    **dict.fromkeys(("Relu", "LeakyRelu", "PreluKernel", "RreluWithNoise", "Threshold", "ClampMin"), 1.0),
    **dict.fromkeys(("Elu", "Celu", "Gelu", "Silu", "Mish", "Softplus", "LogSigmoid", "Hardswish"), 1.0),
    **dict.fromkeys(("Tanh", "Hardtanh", "Clamp", "Sin", "Cos"), 1.0),
    "Sigmoid": 1 / 4,
    "Hardsigmoid": 1 / 6,
}

# What may lie between an activation and its reader without making another activation of it ...
HARMLESS = (
    *("View", "UnsafeView", "ReshapeAlias", "Unsqueeze", "Squeeze", "Permute", "Transpose", "Expand", "Alias", "Clone"),
    *("Cat", "Stack", "Slice", "Select", "Split", "SplitWithSizes", "Index", "ToCopy", "Add", "ConstantPadNd"),
    *("NativeBatchNorm", "CudnnBatchNorm", "NativeLayerNorm", "NativeGroupNorm", "FusedRmsNorm"),
    *("MaxPool2DWithIndices", "AvgPool2D", "AdaptiveAvgPool2D", "Mean"),
)
# ... and what does not, if one of its terms is a constant or a parameter.
SCALING = ("Mul", "Div", "Sub")

LEAF = "torch::autograd::AccumulateGrad"

Marks = Bool[Tensor, "2 *places"]  # where an activation is flat, and where it is silent


def is_flat(slope: Float[Tensor, "*any"], steepest: float = 1.0) -> Bool[Tensor, "*any"]:
    """True if an activation with this slope, whose steepest slope is ``steepest``, lets next to no gradient pass."""
    return slope.abs() < FLAT_BELOW * steepest


@dataclass(frozen=True)
class Flatness:
    """On which samples the units of one layer are flat, and say nothing.

    For convolutions a sample is an image: flat, or silent, at all of its places.

    Args:
        flat: next to no gradient passes the unit's activation.
        silent: its activation is at most 0.02 in magnitude.
    """

    flat: Bool[Tensor, "samples units"]
    silent: Bool[Tensor, "samples units"]

    @property
    def stuck(self) -> Bool[Tensor, " units"]:
        """Units that are flat on at least 99 % of the samples."""
        return self.flat.double().mean(0) >= STUCK_SHARE

    @property
    def dead(self) -> Bool[Tensor, " units"]:
        """Units that are stuck, and silent on most samples."""
        return self.stuck & (self.silent.double().mean(0) > 0.5)

    @property
    def saturated(self) -> Bool[Tensor, " units"]:
        """Units that are stuck, and are not silent: at an end of the range of tanh, say."""
        return self.stuck & ~self.dead


def flatness(layers: Sequence[HiddenLayer], forward: Callable[[], Any]) -> dict[str, Flatness | None]:
    """The flatness of the units of hidden layers while ``forward()`` runs, by the activation before their first reader.

    Units that reach a reader without any activation are never flat. Where an operation that is not known here lies
    between (an activation of one's own, made of other functions), there is no answer: None.

    Args:
        layers: the hidden layers.
        forward: runs the network on the batch to look at; called once, with gradients.
    """
    read, activations, ends = _looked_at(layers, forward)
    return {layer.name: _of_layer(layer, *read[layer.name], activations, ends) for layer in layers}


def activations_behind(layers: Sequence[HiddenLayer], forward: Callable[[], Any]) -> dict[str, list[str] | None]:
    """The activations between hidden units and their first reader, by torch's names of their derivatives.

    A list is empty where there are none; it is None where an operation lies between that is not known here.

    Args:
        layers: the hidden layers.
        forward: runs the network on an example; called once, with gradients.
    """
    read, activations, ends = _looked_at(layers, forward)
    places = {layer.name: read[layer.name][0] for layer in layers}
    found = {name: None if node is None else _behind(node, activations, ends) for name, node in places.items()}
    return {name: None if nodes is None else [_kind(node) for node in nodes] for name, nodes in found.items()}


def _looked_at(
    layers: Sequence[HiddenLayer], forward: Callable[[], Any]
) -> tuple[dict[str, tuple[Node | None, int]], dict[Node, Marks], set[Node]]:
    """The places in torch's graph where readers take units in, its activations, and where modules end."""
    read: dict[str, tuple[Node | None, int]] = {}
    ends: set[Node] = set()
    with torch.enable_grad(), _Activations() as activations:
        handles = [layer.read_by[0].attach(_reading(layer, read)) for layer in layers]
        modules = {port.layer for layer in layers for port in (*layer.produced_by, *layer.read_by)}
        handles += [module.register_forward_hook(_ending(ends)) for module in modules]
        try:
            forward()
        finally:
            for handle in handles:
                handle.remove()
    return read, activations.seen, ends


class _Activations(TorchFunctionMode):
    """Notes of each activation that runs, by its place in torch's graph, where it is flat and where it is silent."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[Node, Marks] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        node = output.grad_fn if isinstance(output, Tensor) else None
        if node is not None and _kind(node) in STEEPEST and node not in self.seen:
            with torch.no_grad():  # now, because what follows may write over the output in place
                slopes = cast(Any, node)(torch.ones_like(output))
                slope = slopes[0] if isinstance(slopes, tuple) else slopes
                flat, silent = is_flat(slope, STEEPEST[_kind(node)]), output.abs() <= SILENT_BELOW
                self.seen[node] = torch.stack([flat, silent]).cpu()
        return output


def _kind(node: Node) -> str:
    """A function's name in torch's graph without its ending: "Relu" of "ReluBackward0"."""
    return node.name().partition("Backward")[0]


def _reading(layer: HiddenLayer, read: dict[str, tuple[Node | None, int]]) -> Callable[..., None]:
    """Notes what a layer's reader takes in: its place in torch's graph, and the number of samples."""

    def record(module: Any, *arguments: Any) -> None:
        tensor = layer.read_by[0].heard(*arguments)
        read[layer.name] = tensor.grad_fn, len(tensor)

    return record


def _ending(ends: set[Node]) -> Callable[..., None]:
    """Notes where in torch's graph a module ends."""

    def record(module: Any, args: Any, output: Any) -> None:
        parts = output if isinstance(output, tuple) else (output,)
        ends.update(part.grad_fn for part in parts if isinstance(part, Tensor) and part.grad_fn is not None)

    return record


def _of_layer(
    layer: HiddenLayer, node: Node | None, samples: int, activations: dict[Node, Marks], ends: set[Node]
) -> Flatness | None:
    nodes = None if node is None else _behind(node, activations, ends)
    if nodes is None:
        return None
    if not nodes:
        never = torch.zeros(samples, layer.units, dtype=torch.bool)
        return Flatness(never, never)
    marks = [_by_unit(layer, activations[each]) for each in nodes]
    known = [mark for mark in marks if mark is not None]
    return Flatness(*torch.stack(known).all(0)) if len(known) == len(marks) else None


def _behind(node: Node, activations: dict[Node, Marks], ends: set[Node]) -> list[Node] | None:
    """The activations behind a place in torch's graph; none if units come there without one, None if nobody knows."""
    if node in activations:
        return [node]
    if node in ends:
        return []
    terms = [term for term, _ in node.next_functions if term is not None and term.name() != LEAF]
    if _kind(node) not in HARMLESS and not (_kind(node) in SCALING and len(terms) == 1):
        return None
    found = [_behind(term, activations, ends) for term in terms]
    if any(nodes is None for nodes in found):
        return None
    return [] if any(not nodes for nodes in found) else [each for nodes in found for each in nodes or ()]


def _by_unit(layer: HiddenLayer, marks: Marks) -> Bool[Tensor, "2 samples units"] | None:
    """Marks of all places of an activation as those of a layer's units: set where they are at all places of a unit."""
    reader, producer = layer.read_by[0], layer.produced_by[0]
    for port, width in ((reader, inputs(reader.layer)), (producer, outputs(producer.layer))):
        axis = column_axis(port.layer)
        if marks.dim() + axis > 1 and marks.shape[axis] == width:
            columns = marks.movedim(axis, -1)[..., port.index.cpu()]
            return columns.flatten(2, -3).all(2).all(-1) if columns.dim() > 4 else columns.all(-1)
    return None
