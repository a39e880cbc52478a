"""The interface of what a method does for several stacked networks at each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from plastic_rl.optim.stacked.networks import StackedNetworks, Template


class Vectorized:
    """Interface: the work of one method of a stack around one optimiser step, for all seeds.

    Args:
        methods: the method of each seed, around a view of the stacked optimiser.
        stacked: the networks.
        template: the network that runs for all of them.
        lens: the same method around the template's network, whose code may be run for all seeds at once.
    """

    observes = False
    """True if it must run the networks itself (:meth:`forward`); one method of a stack at most can."""

    def __init__(
        self,
        methods: Sequence[Any],
        stacked: StackedNetworks,
        template: Template,
        lens: Any,
    ) -> None:
        self.methods, self.stacked, self.template, self.lens = list(methods), stacked, template, lens

    def forward(self, inputs: Tensor) -> Tensor:
        """The outputs of the networks, of shape (seeds, batch, outputs)."""
        raise NotImplementedError(f"{type(self).__name__} does not run networks")

    def after_zero_grad(self) -> None:
        """Adds gradients to the stacked parameters."""

    def before_step(self) -> None:
        """Looks at, or changes, the stacked gradients."""

    def after_step(self) -> None:
        """Follows up once the stacked parameters have moved."""

    def after_load(self) -> None:
        """Catches up with methods that have loaded their memory."""
