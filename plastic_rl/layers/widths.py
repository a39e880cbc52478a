"""Changes of a hidden layer's width: where units are put, and which layers refuse it."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.instancenorm import _InstanceNorm

from plastic_rl.layers import kinds
from plastic_rl.layers.along import Along, Places
from plastic_rl.layers.hidden_layer import HiddenLayer
from plastic_rl.layers.port import Port
from plastic_rl.layers.resizing import Resizing

# Only torch's own: a layer derived from one of these may know its width in places that nobody here knows of.
RESIZABLE: tuple[type[nn.Module], ...] = (
    *(nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d),
    *(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
)
ENTRIES = (_BatchNorm, _InstanceNorm, nn.GroupNorm, nn.PReLU)


def resizing(layer: HiddenLayer, *, born: int = 0, retired: Places | None = None) -> Resizing:
    """A layer with newborn units behind the others, or without some of its units; nothing is changed yet.

    Args:
        layer: the layer.
        born: how many units are added.
        retired: which units go.

    Raises:
        ValueError: the layer cannot be of another width; names it, and says why.
    """
    check_resizable(layer)
    gone = torch.zeros(layer.units, dtype=torch.bool)
    if retired is not None:
        gone[retired.cpu()] = True
    kept = (~gone).nonzero().flatten()
    units = Along(0, torch.cat([kept, torch.full((born,), -1)]), layer.units)
    index: dict[Port, Tensor] = {}
    changes: dict[Port, Along] = {}
    for port, axis, length in _axes(layer):
        source = _sources(layer, port, length, born) if born else torch.arange(length)
        if len(kept) < layer.units:
            dropped = port.index[gone].flatten()
            source = source[~torch.isin(source, dropped)]
        changes[port] = along = Along(axis, source, length)
        index[port] = torch.cat([along.moved()[port.index[kept]], _newborn(layer, port, along, born)])
    return Resizing(layer, units, index, changes)


def _axes(layer: HiddenLayer) -> Iterator[tuple[Port, int, int]]:
    """Each port of a layer with the axis of its parameter along which its units lie, and the length of that."""
    for port in layer.produced_by:
        yield port, port.row_axis, port.parameter.shape[port.row_axis]
    for port in layer.normed_by:
        yield port, 0, kinds.inputs(port.layer)
    for port in layer.read_by:
        assert port.column_axis is not None
        yield port, port.column_axis, port.parameter.shape[port.column_axis]


def _sources(layer: HiddenLayer, port: Port, length: int, born: int) -> Places:
    """The places before of all places once so many units have been added, -1 for theirs."""
    parts, done = list[Tensor](), 0
    for end, count in _insertions(layer, port, born):
        parts += [torch.arange(done, end), torch.full((count,), -1)]
        done = end
    return torch.cat([*parts, torch.arange(done, length)])


def _insertions(layer: HiddenLayer, port: Port, born: int) -> Iterator[tuple[int, int]]:
    """Behind which places newborn ones are put, and how many."""
    index = port.index
    units, positions = index.shape
    if _is_block(index):
        yield int(index[-1, -1]) + 1, born * positions
    elif _are_runs(index):
        yield from ((int(end) + 1, born) for end in index[-1].sort().values)
    else:
        raise ValueError(
            f"`{layer.name}` cannot be widened: it is not known where `{port.name}` would have a further unit of it"
        )
    if units == 1 and positions > 1:
        raise ValueError(
            f"`{layer.name}` cannot be widened: of its one unit `{port.name}` has {positions} places, so that it is "
            "not known in which order it would have those of several; begin with two units"
        )


def _newborn(layer: HiddenLayer, port: Port, along: Along, born: int) -> Int[Tensor, "born positions"]:
    positions = port.index.shape[1]
    places = along.newborn
    return places.view(born, positions) if _is_block(port.index) else places.view(positions, born).T


def _is_block(index: Int[Tensor, "units positions"]) -> bool:
    """True if units lie one behind the other, each with all its places: a convolution before a flattening."""
    return torch.equal(index.flatten(), index.flatten()[0] + torch.arange(index.numel()))


def _are_runs(index: Int[Tensor, "units positions"]) -> bool:
    """True if the first places of all units lie together, then their second ones: CReLU, channels that come last."""
    return torch.equal(index, index[:1] + torch.arange(len(index))[:, None])


def check_resizable(layer: HiddenLayer) -> None:
    """Refuses layers whose width cannot be changed with nothing else in the network changing.

    Raises:
        ValueError: names the layer and the reason.
    """
    reason = next((reason for reasons in REASONS for reason in reasons(layer)), None)
    if reason is not None:
        raise ValueError(f"the width of `{layer.name}` cannot be changed: {reason}")


def _of_the_whole(layer: HiddenLayer) -> Iterator[str]:
    if not layer.is_current:
        yield "the network has changed since the layer was found; find its layers again (hidden_layers)"
    if len(layer.produced_by) > 1:
        names = ", ".join(f"`{port.name}`" for port in layer.produced_by)
        yield f"{names} produce its units together (a residual sum, gates, recurrence), so that none is widened alone"
    weights = [id(port.parameter) for port in (*layer.produced_by, *layer.read_by)]
    if len(set(weights)) < len(weights):
        yield "a weight around its units is tied to another, or a layer reads what it produces itself"


def _of_norms(layer: HiddenLayer) -> Iterator[str]:
    for port in layer.normed_by:
        kind = type(port.layer).__name__
        if kinds.mixes(port.layer):
            yield (
                f"`{port.name}` ({kind}) normalises over its units, so that one unit more or less changes what all "
                "others give"
            )
        if not isinstance(port.layer, ENTRIES):
            yield f"`{port.name}` is a {kind}, and it is not known what it keeps of each unit"


def _of_layers(layer: HiddenLayer) -> Iterator[str]:
    for port in (*layer.produced_by, *layer.read_by):
        if type(port.layer) not in RESIZABLE:
            kind = type(port.layer).__name__
            yield f"`{port.name}` is a {kind}, and torch's own linear and convolutional layers alone are resized"
        if isinstance(port.layer, _ConvNd) and port.layer.groups > 1:
            yield f"`{port.name}` is a convolution in groups"


REASONS = (_of_the_whole, _of_norms, _of_layers)
