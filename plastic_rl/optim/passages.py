"""The ways through networks that methods must know: which cannot be taken from end to end."""

from __future__ import annotations

from functools import singledispatch

from torch import nn


@singledispatch
def check_end_to_end(network: nn.Module) -> None:
    """Refuses a network no loss of which sends its gradient through all of it; a room that has such ones says so.

    Raises:
        ValueError: its parts are trained one by one.
    """
