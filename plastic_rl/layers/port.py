"""Ports: the places where a group of hidden units meets the weights of one layer, and its values there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.utils.rnn import PackedSequence
from torch.utils.hooks import RemovableHandle

# The axis of a layer's input along which its columns lie; negative, so that it holds with and without a batch.
COLUMN_AXIS: dict[type[nn.Module], int] = {
    nn.Linear: -1,
    nn.Conv1d: -2,
    nn.Conv2d: -3,
    nn.Conv3d: -4,
    nn.ConvTranspose1d: -2,
    nn.ConvTranspose2d: -3,
    nn.ConvTranspose3d: -4,
    nn.LSTM: -1,
    nn.GRU: -1,
    nn.RNN: -1,
    nn.MultiheadAttention: -1,
}


def column_axis(layer: nn.Module) -> int:
    """The axis of the input of ``layer`` along which the columns of its weight lie.

    Raises:
        ValueError: when the layer is none of those that can read hidden units.
    """
    for kind, axis in COLUMN_AXIS.items():
        if isinstance(layer, kind):
            return axis
    known = ", ".join(kind.__name__ for kind in COLUMN_AXIS)
    raise ValueError(f"a reader must be one of {known}; got {type(layer).__name__}")


@dataclass(frozen=True, eq=False)
class Port:
    """The place where a group of units meets one layer: unit ``i`` owns the rows, columns or entries ``index[i]``.

    A row is what the layer produces (an entry of its weight's first axis and of its bias), a column what it reads (an
    entry of the second axis; of a transposed convolution torch keeps the two axes the other way round). After
    ``conv → flatten → linear`` a unit owns several columns of the linear layer, in an LSTM a row for each gate.

    Args:
        name: where the layer is in the network.
        layer: the module.
        index: for each unit the positions that it owns, of shape (units, positions).
        weight_name: where in the layer the weight is.
        bias_name: where in the layer the bias is.
    """

    name: str
    layer: nn.Module
    index: Int[Tensor, "units positions"]
    weight_name: str = "weight"
    bias_name: str = "bias"

    @property
    def parameter(self) -> Tensor:
        """The weight as torch keeps it, which is how an optimiser knows it."""
        # Past `nn.Module.__getattr__` where that is possible: it takes five times as long.
        weight = self.layer._parameters.get(self.weight_name)
        return attrgetter(self.weight_name)(self.layer) if weight is None else weight

    @property
    def weight(self) -> Float[Tensor, "rows columns *taps"]:
        """The weight with its rows first and its columns second: the parameter itself or a view of it."""
        return self.parameter.transpose(0, 1) if self.row_axis else self.parameter

    @property
    def gradient(self) -> Float[Tensor, "rows columns *taps"] | None:
        """The gradient of the weight, in the same order; None where there is none."""
        gradient = self.parameter.grad
        return gradient.transpose(0, 1) if gradient is not None and self.row_axis else gradient

    @property
    def bias(self) -> Tensor | None:
        """The bias of the layer, if it has one."""
        return attrgetter(self.bias_name)(self.layer) if _has(self.layer, self.bias_name) else None

    @property
    def parameters(self) -> list[Tensor]:
        """The weight and the bias as torch keeps them, as far as the layer has them; a norm may have neither."""
        names = (self.weight_name, self.bias_name)
        return [attrgetter(name)(self.layer) for name in names if _has(self.layer, name)]

    @property
    def row_axis(self) -> int:
        """The axis of the parameter along which its rows lie."""
        return 1 if isinstance(self.layer, _ConvTransposeNd) else 0

    @property
    def column_axis(self) -> int | None:
        """The axis of the parameter along which its columns lie; None where a unit's columns are no slice of it."""
        return 1 - self.row_axis

    @property
    def axis(self) -> int:
        """The axis of what the layer hears (:meth:`heard`) along which its columns lie."""
        return column_axis(self.layer)

    def positions(self, units: Int[Tensor, " k"]) -> Int[Tensor, " k_positions"]:
        """The positions that the given units own, in one vector."""
        return self.index_on(units.device)[units].flatten()

    def per_unit(self, values: Float[Tensor, " positions"]) -> Float[Tensor, " units"]:
        """Sums a quantity of the rows or columns over those that each unit owns."""
        return values if self._is_identity(len(values)) else values[self.index_on(values.device)].sum(1)

    def per_position(self, values: Float[Tensor, " units"], positions: int) -> Float[Tensor, " positions"]:
        """Spreads a quantity of the units over the positions that they own; 1 at the positions of others."""
        if self._is_identity(positions):
            return values
        return torch.cat([values, values.new_ones(1)])[self._owners(positions, values.device)]

    def columns(self, units: Int[Tensor, " k"]) -> Int[Tensor, " n"]:
        """The places of the units' columns along :attr:`column_axis`; in the flattened parameter if it is None."""
        return self.positions(units)

    def silence(self, units: Int[Tensor, " k"]) -> None:
        """Sets the units' columns to zero."""
        fill(self.parameter, self.column_axis, self.columns(units), 0.0)

    def scale(self, factors: Float[Tensor, " units"]) -> None:
        """Multiplies each unit's columns by a factor; the columns of others stay."""
        weight = self.weight
        weight.mul_(self.per_position(factors, weight.shape[1]).view(-1, *[1] * (weight.ndim - 2)))

    def attach(self, hook: Callable[..., None]) -> RemovableHandle:
        """Calls ``hook(layer, …)`` whenever the layer runs; :meth:`heard` reads the rest of the hook's arguments."""
        return self.layer.register_forward_pre_hook(hook)

    def heard(self, *seen: Any) -> Tensor:
        """The tensor that meets the columns of the weight, from what a hook of :meth:`attach` was called with."""
        return seen[0][0]

    def index_on(self, device: torch.device) -> Int[Tensor, "units positions"]:
        """The index where it is needed; copied there once, because a copy waits for the device."""
        known = self.__dict__.get("_copy")
        if known is None or known.device != device:
            known = self.__dict__["_copy"] = self.index.to(device)
        return known

    def move(self, index: Int[Tensor, "units positions"]) -> None:
        """Has units own other positions from now on, in a layer of another width."""
        object.__setattr__(self, "index", index)
        for kept in ("_copy", "_owner", "_identity"):
            self.__dict__.pop(kept, None)

    def _owners(self, positions: int, device: torch.device) -> Int[Tensor, " positions"]:
        """For each position the unit that owns it, or the number of units where none does."""
        known = self.__dict__.get("_owner")
        if known is None or known.device != device or len(known) != positions:
            owner = torch.full((positions,), len(self.index))
            owner[self.index] = torch.arange(len(self.index))[:, None].expand_as(self.index)
            known = self.__dict__["_owner"] = owner.to(device)
        return known

    def _is_identity(self, positions: int) -> bool:
        known = self.__dict__.get("_identity")
        if known is None:
            known = self.index.flatten().tolist() == list(range(len(self.index)))
            self.__dict__["_identity"] = known
        return known and positions == len(self.index)


@dataclass(frozen=True, eq=False)
class GroupedPort(Port):
    """Columns of a grouped or depthwise convolution: each is read by the rows of its own group alone."""

    @property
    def weight(self) -> Float[Tensor, "rows columns *taps"]:
        """The weight as (rows of a group, columns of all groups, taps); a copy, for reading only."""
        by_group = self._by_group(self.parameter)
        return by_group.transpose(0, 1).reshape(by_group.shape[1], -1, *by_group.shape[3:])

    @property
    def bias(self) -> Tensor | None:
        """None: a column does not meet all biases, so that a mean cannot be moved into them."""
        return None

    @property
    def column_axis(self) -> int | None:
        return None

    def columns(self, units: Int[Tensor, " k"]) -> Int[Tensor, " n"]:
        places = torch.arange(self.parameter.numel(), device=units.device).view(self.parameter.shape)
        by_group, positions = self._by_group(places), self.positions(units)
        return by_group[positions // by_group.shape[2], :, positions % by_group.shape[2]].flatten()

    def scale(self, factors: Float[Tensor, " units"]) -> None:
        by_group = self._by_group(self.parameter)
        columns = self.per_position(factors, by_group.shape[0] * by_group.shape[2])
        by_group.mul_(columns.view(len(by_group), 1, -1, *[1] * (by_group.ndim - 3)))

    def _by_group(self, tensor: Tensor) -> Tensor:
        assert isinstance(self.layer, _ConvNd)
        return tensor.view(self.layer.groups, -1, *tensor.shape[1:])


@dataclass(frozen=True, eq=False)
class RecurrentPort(Port):
    """Columns by which a recurrent layer reads its own hidden units, one step later."""

    def attach(self, hook: Callable[..., None]) -> RemovableHandle:
        return self.layer.register_forward_hook(hook)

    def heard(self, *seen: Any) -> Tensor:
        hidden = seen[1][0]
        return hidden.data if isinstance(hidden, PackedSequence) else hidden


@dataclass(frozen=True, eq=False)
class AttentionPort(Port):
    """Columns by which an attention layer reads the residual stream: those of its queries, keys and values."""

    def attach(self, hook: Callable[..., None]) -> RemovableHandle:
        return self.layer.register_forward_hook(hook, with_kwargs=True)

    def heard(self, *seen: Any) -> Tensor:
        args, named = seen[:2]
        return args[2] if len(args) > 2 else named["value"]


@dataclass(frozen=True, eq=False)
class ValuePort(AttentionPort):
    """Columns of an attention layer's output projection, each of which reads one dimension of the values.

    torch's attention does not say what its output projection takes in, so the values are heard before they are mixed
    over the sequence: computed once more, at the price of one matrix product.
    """

    @torch.no_grad()
    def heard(self, *seen: Any) -> Tensor:
        units = self.parameter.shape[1]
        assert isinstance(self.layer, nn.MultiheadAttention)
        weight, bias = self.layer.in_proj_weight, self.layer.in_proj_bias
        return nn.functional.linear(super().heard(*seen), weight[-units:], None if bias is None else bias[-units:])


def _has(layer: nn.Module, name: str) -> bool:
    try:
        return attrgetter(name)(layer) is not None
    except AttributeError:
        return False


def fill(tensor: Tensor | None, axis: int | None, index: Int[Tensor, " k"], value: float) -> None:
    """Fills a tensor in place, if there is one: slices of an axis, or places of the flattened tensor (axis None)."""
    if tensor is None:
        return
    if axis is None:
        tensor.put_(index, torch.full(index.shape, value, dtype=tensor.dtype, device=tensor.device))
    else:
        tensor.index_fill_(axis, index, value)
