"""What agents with continual backpropagation share on streams."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

from agents.recipe import SupervisedAgent
from plastic_rl.settings import NonNegativeInteger, OneOf, Rate

if TYPE_CHECKING:
    from plastic_rl.optim import Plasticity

UTILITIES = ("contribution", "mean_corrected", "adaptable_contribution", "weight", "adaptation", "random")
MODES = ("exact", "lazy", "instant")


@dataclass
class ContinualBackpropAgent(SupervisedAgent):
    """The settings of continual backpropagation (Dohare et al. 2024, Algorithm 1)."""

    replacement_rate: Rate = 1e-4  # of the mature units, an update
    maturity_threshold: NonNegativeInteger = 100  # updates
    decay_rate: Rate = 0.99  # of the running utility, an update
    utility: Annotated[str, OneOf(UTILITIES)] = "adaptable_contribution"  # that of the paper's supervised runs
    mode: Annotated[str, OneOf(MODES)] = "exact"  # when the running average is taken; lazy and instant cost less
    # Of a fractional number of units: carried over, or a draw.
    rounding: Annotated[str, OneOf(("accumulate", "bernoulli"))] = "accumulate"

    def plasticity(self) -> Plasticity:
        """Return continual backpropagation, still without its optimiser, layers and seed."""
        from plastic_rl.optim import ContinualBackprop

        return partial(
            ContinualBackprop,
            replacement_rate=self.replacement_rate,
            maturity_threshold=self.maturity_threshold,
            decay_rate=self.decay_rate,
            utility=self.utility,
            mode=self.mode,
            rounding=self.rounding,
        )
