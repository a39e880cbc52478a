"""Our readings of what Sutton's talk names and does not define, each a function that can be swapped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Generator, Tensor

from plastic_rl.choices import Trigger
from plastic_rl.nn.dynamic.backward import Signals
from plastic_rl.nn.dynamic.masters import choose_masters
from plastic_rl.nn.dynamic.network import DynamicNetwork, ForwardTrace
from plastic_rl.nn.dynamic.triggers import triggered
from plastic_rl.nn.dynamic.utility import cost_of_removal, gain_of_adoption, with_readers

Measured = Callable[[DynamicNetwork, ForwardTrace, Signals], Tensor]


@dataclass(frozen=True, kw_only=True)
class Readings:
    """The functions that decide what units are worth, for whom they are tried out, and when one is imprinted.

    Args:
        utility: of each unit for the outputs, on one minibatch.
        propagated: the same with that of the units that read it, from running means.
        gain: what the adoption of each unit would win for its master, on one minibatch.
        masters: of some newborn units, and levels for them.
        triggered: which copies are to imprint, and on which example.
    """

    utility: Measured = cost_of_removal
    propagated: Callable[[DynamicNetwork, Tensor], Tensor] = with_readers
    gain: Measured = gain_of_adoption
    masters: Callable[[DynamicNetwork, int, int, Generator], tuple[list[int], list[int]]] = choose_masters
    triggered: Callable[[Trigger, DynamicNetwork, ForwardTrace, Signals], tuple[Tensor, Tensor]] = triggered
