"""Replaces hidden units: fresh rows, silent columns, forgotten moments.

Called after the wrapped optimiser's step, never before: a unit that was silenced before the step is moved by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, Port
from plastic_rl.layers.kinds import start_of_weight
from plastic_rl.layers.port import fill
from plastic_rl.optim.forgetting import forget
from plastic_rl.optim.fresh_rows import fresh_rows


@torch.no_grad()
def replace_units(
    layer: HiddenLayer,
    units: Int[Tensor, " k"],
    initialisers: Sequence[Callable[..., Any]],
    generator: Generator,
    optimizer: Optimizer | None,
    *,
    by_clock: bool = True,
) -> None:
    """Replaces units by newborn ones that nobody hears (Dohare et al. 2024, Algorithm 1).

    Incoming weights are drawn afresh and biases set to zero; outgoing weights are set to zero; the entries of norms on
    the way go back to their start; what the optimiser remembers of all of these is forgotten.

    Args:
        layer: the group that the units belong to.
        units: which of its units.
        initialisers: for each producer of the layer how its weights are drawn.
        generator: the source of the draws, on the weights' device.
        optimizer: the optimiser whose state of these weights is forgotten; None leaves it as it is.
        by_clock: as for :func:`plastic_rl.optim.forgetting.forget`.
    """
    for port, initialise in zip(layer.produced_by, initialisers, strict=True):
        rows = port.positions(units)
        port.weight.index_copy_(0, rows, fresh_rows(port, rows, initialise, generator))
        fill(port.bias, 0, rows, 0.0)
        forget(optimizer, port.parameter, port.row_axis, rows, by_clock=by_clock)
        forget(optimizer, port.bias, 0, rows, by_clock=by_clock)
    for port in layer.normed_by:
        restart_norm(port, units, optimizer, by_clock=by_clock)
    silence(layer, units, optimizer, by_clock=by_clock)


def entries_of(layer: HiddenLayer, units: Int[Tensor, " k"]) -> Iterator[tuple[Tensor, int | None, Int[Tensor, " n"]]]:
    """All that belongs to units of a layer: parameters, each with an axis and the places of the units along it.

    Args:
        layer: the group that the units belong to.
        units: which of its units.
    """
    for port in layer.produced_by:
        yield port.parameter, port.row_axis, port.positions(units)
        if port.bias is not None:
            yield port.bias, 0, port.positions(units)
    for port in layer.normed_by:
        yield from ((each, 0, port.positions(units)) for each in port.parameters)
    for port in layer.read_by:
        yield port.parameter, port.column_axis, port.columns(units)


@torch.no_grad()
def silence(
    layer: HiddenLayer, units: Int[Tensor, " k"], optimizer: Optimizer | None, *, by_clock: bool = True
) -> None:
    """Sets the outgoing weights of units to zero and forgets what the optimiser remembers of them.

    Where two layers are replaced in one step, the fresh rows of the second have overwritten the silent columns of the
    first: silence both once more when all rows are drawn.
    """
    for port in layer.read_by:
        port.silence(units)
        forget(optimizer, port.parameter, port.column_axis, port.columns(units), by_clock=by_clock)


@torch.no_grad()
def pull_units(
    layer: HiddenLayer, share: Float[Tensor, " units"], initialisers: Sequence[Callable[..., Any]], generator: Generator
) -> None:
    """Replaces units in part: w_in ← (1 - p) w_in + p fresh, w_out ← (1 - p) w_out; biases and norms stay.

    Args:
        layer: the group of units.
        share: p of each, from 0 (the unit stays) to 1.
        initialisers: for each producer of the layer how its weights are drawn.
        generator: the source of the draws, on the weights' device.
    """
    units = torch.arange(layer.units, device=share.device)
    for port, initialise in zip(layer.produced_by, initialisers, strict=True):
        rows, weight = port.positions(units), port.weight
        fresh = fresh_rows(port, rows, initialise, generator)
        share_of_row = share.repeat_interleave(len(rows) // layer.units).view(-1, *[1] * (weight.ndim - 1))
        pulled = weight.index_select(0, rows).lerp_(fresh, share_of_row.to(weight.dtype))
        weight.index_copy_(0, rows, pulled)
    for port in layer.read_by:
        port.scale((1 - share).to(port.weight.dtype))


def restart_norm(port: Port, units: Int[Tensor, " k"], optimizer: Optimizer | None, *, by_clock: bool = True) -> None:
    """Sets the units' entries of a norm's parameters and running statistics, or of slopes, back to where they start."""
    entries = port.positions(units)
    starts = {"weight": start_of_weight(port.layer), "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}
    starts |= {"scale": 1.0, "ra_mean": 0.0, "ra_var": 1.0}  # the names of CrossQ's batch renormalisation
    for name, start in starts.items():
        value = getattr(port.layer, name, None)
        fill(value, 0, entries, start)
        forget(optimizer, value, 0, entries, by_clock=by_clock)


@torch.no_grad()
def move_mean_to_bias(port: Port, units: Int[Tensor, " k"], mean: Float[Tensor, " columns"]) -> None:
    """Adds what the units contributed on average to the biases of their reader, which then hardly notices their loss.

    Args:
        port: where the reader meets the units.
        units: the units that are about to be replaced.
        mean: the average value of each of the reader's input columns.
    """
    if port.bias is not None:
        columns, weight = port.positions(units), port.weight
        contribution = weight[:, columns].flatten(2).sum(2) if weight.ndim > 2 else weight[:, columns]
        port.bias.add_(contribution @ mean[columns].to(contribution.dtype))
