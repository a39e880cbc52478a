"""Utility that is propagated: what a unit contributes along all paths to the outputs, as a flow that is conserved.

Each output has a utility of 1. A unit's utility is shared out among all that it reads, in proportion to what they
contribute to its sum, |w_kj| E|h_j|, and each of those adds up what it gets from all that read it. So the utilities of
a level, with what flows past it, add up to the number of outputs. One matrix product a level.

The idea is Javed's (`khurramjaved96/utility-propagation`, 2022, "UtilityPropagation", one edge at a time in a graph of
units); there a unit of utility U = |y| begins the flow, and an edge's part is what its removal does to its unit through
the non-linearity. Sutton's talk on dynamic deep learning (2024) names utility propagation, and no formula is public.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.layers import HiddenLayer, Port

Heard = Sequence[Tensor | None]
"""For each reader of a layer the mean |h| of the columns that it takes in; None where nothing was heard."""


def contributions(
    weight: Float[Tensor, "rows columns *taps"], magnitude: Float[Tensor, " columns"]
) -> Float[Tensor, "rows columns"]:
    """|w_kj| E|h_j|: what each column contributes to each row, summed over the taps of a convolution."""
    sizes = weight.abs()
    return (sizes.flatten(2).sum(2) if sizes.ndim > 2 else sizes) * magnitude


def passed_back(shares: Float[Tensor, "rows columns"], received: Float[Tensor, " rows"]) -> Float[Tensor, " columns"]:
    """Σ_k U_k Λ_kj / Σ_i Λ_ki: what rows hand on to columns of the utility that they received.

    Args:
        shares: Λ, such as :func:`contributions`; a row of zeros hands nothing on.
        received: U of each row.
    """
    total = shares.sum(1)
    return (received / total.clamp_min(torch.finfo(total.dtype).tiny)) @ shares


def propagate(
    weights: Sequence[Tensor], magnitudes: Sequence[Tensor], received: Float[Tensor, " outputs"] | None = None
) -> list[Tensor]:
    """The utilities of what each layer of a plain chain reads, the first layer's inputs first.

    Args:
        weights: of the layers, from the first to the outputs, each of shape (rows, columns).
        magnitudes: the mean |h| of the columns that each takes in.
        received: the utility of each output; None for 1.
    """
    utility = torch.ones_like(weights[-1][:, 0]) if received is None else received
    found: list[Tensor] = []
    for weight, magnitude in zip(reversed(weights), reversed(magnitudes), strict=True):
        utility = passed_back(contributions(weight, magnitude), utility)
        found.append(utility)
    return found[::-1]


@dataclass(frozen=True)
class Receiver:
    """A layer whose units a reader's rows are.

    Args:
        place: of the layer, among all.
        port: the rows.
    """

    place: int
    port: Port


class Propagation:
    """The way of utility through a network of hidden layers, from what is not one of them back to the first.

    Rows of readers that are no units of a given layer count as outputs: those of the heads, and of layers that are not
    given. Units that several layers produce share theirs out evenly among them.

    Args:
        layers: the groups of units.

    Raises:
        ValueError: units reach themselves (residual streams, recurrent layers), or a reader's rows read only some of
            its columns (grouped convolutions).
    """

    def __init__(self, layers: Sequence[HiddenLayer]) -> None:
        self.layers = layers
        makers = {
            _weight(port): Receiver(place, port) for place, each in enumerate(layers) for port in each.produced_by
        }
        self.receivers = [[makers.get(_weight(port)) for port in layer.read_by] for layer in layers]
        self._refuse_groups()
        self.order = self._from_the_outputs()

    def __call__(self, heard: Sequence[Heard]) -> list[Float[Tensor, " units"] | None]:
        """The utility of each unit of each layer; None for a layer of whose units nothing was heard.

        Args:
            heard: by layer.
        """
        found: list[Tensor | None] = [None] * len(self.layers)
        for place in self.order:
            parts = [
                port.per_unit(passed_back(contributions(port.weight, magnitude), self._received(port, receiver, found)))
                for port, receiver, magnitude in zip(
                    self.layers[place].read_by, self.receivers[place], heard[place], strict=True
                )
                if magnitude is not None
            ]
            found[place] = torch.stack(parts).sum(0) if parts else None
        return found

    def _received(self, port: Port, receiver: Receiver | None, found: Sequence[Tensor | None]) -> Tensor:
        rows = port.weight.flatten(1)[:, 0]
        utility = None if receiver is None else found[receiver.place]
        if receiver is None or utility is None:
            return torch.ones_like(rows)
        owned = receiver.port.index.shape[1] * len(self.layers[receiver.place].produced_by)
        return receiver.port.per_position(utility / owned, len(rows)).to(rows)

    def _from_the_outputs(self) -> list[int]:
        """The places of the layers in an order in which each comes behind those that it reaches."""
        waits = {place: {each.place for each in found if each} for place, found in enumerate(self.receivers)}
        order: list[int] = []
        while waits:
            free = [place for place, others in waits.items() if not others & waits.keys()]
            if not free:
                names = ", ".join(self.layers[place].name for place in waits)
                raise ValueError(
                    "utility='propagated' needs units that do not reach themselves, as in recurrent layers and "
                    f"residual streams; these do, or lead there: {names}"
                )
            order += free
            waits = {place: others for place, others in waits.items() if place not in free}
        return order

    def _refuse_groups(self) -> None:
        for layer in self.layers:
            for port in layer.read_by:
                if port.column_axis is None:
                    raise ValueError(
                        "utility='propagated' needs readers whose rows read all columns, which the groups of "
                        f"{port.name} do not: leave `{layer.name}` out"
                    )


def _weight(port: Port) -> tuple[int, str]:
    return id(port.layer), port.weight_name
