"""Sorting of many numbers, as fast as the machine has it."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

FEW = 1024  # are sorted faster than packed
LOW = 0xFFFFFFFF
"""The lower half of a whole number of 64 bits."""


def ascending(values: Float[Tensor, " n"]) -> Int[Tensor, " n"]:
    """The places of numbers in ascending order, ties by their place: as ``values.argsort(stable=True)``.

    On a CPU, torch sorts numbers together with their places, by comparison. There each number and its place are packed
    into one whole number, of the same order, and NumPy sorts these in a fifteenth of the time.
    """
    is_plain = values.device.type != "cpu" or values.dtype != torch.float32 or len(values) < FEW
    if is_plain or values.isnan().any():
        return values.argsort(stable=True)
    bits = (values + 0.0).view(torch.int32)  # both zeros are one number
    # The order of the bits is that of the numbers, but turned round below zero.
    keys = bits.bitwise_xor(bits.bitwise_right_shift(31).bitwise_and_(0x7FFFFFFF)).long().bitwise_left_shift_(32)
    keys.bitwise_or_(torch.arange(len(values)))
    keys.numpy().sort()
    return keys.bitwise_and_(LOW)
