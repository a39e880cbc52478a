"""A few values of a large tensor, and where they are: five bytes for each value in float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Int, UInt8
from torch import Tensor

# A byte holds the number of places skipped before a value; this one says "that many, and no value yet".
SKIP = 255


@dataclass(frozen=True)
class SparseValues:
    """Values on a support, both exact.

    The support is written as gaps: a byte says how many places lie before the next value, 255 that more follow. At the
    densities of additive decomposition (1 to 10 %) this is smaller than a bitmask and than indices.

    Args:
        gaps: of the support, in the order of the flattened tensor.
        values: one for each place of the support.
    """

    gaps: UInt8[Tensor, " bytes"]
    values: Tensor

    @classmethod
    def of(cls, dense: Tensor, where: Bool[Tensor, "..."]) -> SparseValues:
        """The values of a tensor at the places ``where``."""
        places = where.flatten().nonzero().flatten()
        return cls(gaps_between(places), dense.detach().flatten()[places])

    @classmethod
    def none(cls, like: Tensor) -> SparseValues:
        """No values, of the type and on the device of ``like``."""
        return cls(torch.zeros(0, dtype=torch.uint8, device=like.device), like.new_zeros(0))

    @classmethod
    def from_state_dict(cls, state: dict[str, Tensor], like: Tensor) -> SparseValues:
        """The values that were saved, of the type and on the device of ``like``."""
        return cls(state["gaps"].to(like.device), state["values"].to(like))

    def places(self) -> Int[Tensor, " n"]:
        """The places of the values in the flattened tensor."""
        steps = self.gaps.long()
        is_value = steps < SKIP
        return (steps + is_value).cumsum(0)[is_value] - 1

    def write_to(self, dense: Tensor) -> Tensor:
        """Writes the values into a tensor of the right shape, in place, and returns it."""
        return dense.put_(self.places(), self.values)

    def where(self, shape: torch.Size) -> Bool[Tensor, "..."]:
        """The support as a tensor of this shape."""
        places = self.places()
        return torch.zeros(shape, dtype=torch.bool, device=places.device).put_(places, torch.ones_like(places).bool())

    @property
    def nbytes(self) -> int:
        """The bytes that this takes."""
        return self.gaps.nbytes + self.values.nbytes

    def __len__(self) -> int:
        return len(self.values)

    def state_dict(self) -> dict[str, Any]:
        """The gaps and the values."""
        return {"gaps": self.gaps, "values": self.values}


def gaps_between(places: Int[Tensor, " n"]) -> UInt8[Tensor, " bytes"]:
    """The number of places before each of these, a byte each and one more for every 255."""
    gaps = torch.diff(places, prepend=places.new_full((1,), -1)) - 1
    ends = (gaps // SKIP + 1).cumsum(0) - 1
    total = int(ends[-1]) + 1 if len(ends) else 0
    written = torch.full((total,), SKIP, dtype=torch.uint8, device=places.device)
    written[ends] = (gaps % SKIP).to(torch.uint8)
    return written
