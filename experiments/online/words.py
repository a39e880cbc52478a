"""The words that arms of online studies choose from."""

from __future__ import annotations

from enum import StrEnum


class Form(StrEnum):
    """The non-linearity of hidden units."""

    relu = "relu"
    tanh = "tanh"
    threshold = "threshold"  # 1 above 0, else 0: nothing flows back through it


class Fresh(StrEnum):
    """The incoming weights of a newborn unit."""

    uniform = "uniform"  # as the network's were drawn: uniform, of variance 2 / fan-in
    signs = "signs"  # +1 and -1 at random
    imprint = "imprint"  # the present input, with a threshold near the square of its length
