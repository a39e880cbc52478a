"""Methods that are not yet around an optimiser: several as one, and the seed that a host has for them."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer
from plastic_rl.optim.base import Plasticity, PlasticOptimizer
from plastic_rl.optim.unit_replacer import NothingToReplaceError


@dataclass(frozen=True)
class Stack:
    """Several methods, each around the one before it.

    ::

        both = Stack((partial(ContinualBackprop, replacement_rate=1e-4), partial(ShrinkPerturb, noise_std=1e-5)))

    Args:
        methods: the innermost first.

    Raises:
        ValueError: there is none.
    """

    methods: Sequence[Plasticity]

    def __post_init__(self) -> None:
        if not self.methods:
            raise ValueError("a stack needs one method or more, got none")

    def __call__(self, optimizer: Optimizer, layers: Sequence[HiddenLayer] = ()) -> PlasticOptimizer:
        """Wraps an optimiser in all of them; the outermost is returned."""
        for method in self.methods:
            optimizer = method(optimizer, layers)
        assert isinstance(optimizer, PlasticOptimizer)
        return optimizer


def wrapped(plasticity: Plasticity, optimizer: Optimizer, layers: Sequence[HiddenLayer]) -> tuple[Optimizer, bool]:
    """The optimiser in a method, but for what finds nothing to replace, of a stack too; and whether that is all of it.

    Args:
        plasticity: the method.
        optimizer: what it wraps.
        layers: the hidden layers that the optimiser trains, possibly none.
    """
    if isinstance(plasticity, Stack):
        is_complete = True
        for method in plasticity.methods:
            optimizer, is_whole = wrapped(method, optimizer, layers)
            is_complete = is_complete and is_whole
        return optimizer, is_complete
    try:
        return plasticity(optimizer, layers), True
    except NothingToReplaceError:
        return optimizer, False


def seeded(plasticity: Plasticity, seed: int | None) -> Plasticity:
    """The method with a seed, where it takes one that it was not given; else the method as it is."""
    if isinstance(plasticity, Stack):
        return Stack([seeded(method, seed) for method in plasticity.methods])
    parameter = inspect.signature(plasticity).parameters.get("seed")
    if parameter is None or parameter.default is not None or seed is None:
        return plasticity
    return partial(plasticity, seed=seed)  # pyright: ignore[reportCallIssue]
