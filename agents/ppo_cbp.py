"""PPO with continual backpropagation (Dohare et al., Nature 632, 2024, Algorithm 1 and "PPO + CBP")."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated

from agents.continual_backprop import UTILITIES
from agents.ppo import Wrapper
from agents.ppo_tuned import PPOTuned
from plastic_rl.settings import NonNegative, NonNegativeInteger, OneOf, Rate


@dataclass
class PPOCBP(PPOTuned):
    """PPO whose least useful mature units are replaced, a few at a time (Dohare et al. 2024, Fig. 4)."""

    weight_decay: NonNegative = 1e-4  # "slight": without it the method is highly sensitive to its settings
    replacement_rate: Rate = 1e-4  # of the mature units, an update: 1 in 39 updates in a layer of 256
    maturity_threshold: NonNegativeInteger = 10_000  # minibatch updates; at 160 a rollout, 128,000 environment steps
    decay_rate: Rate = 0.99  # of the running utility, an update
    utility: Annotated[str, OneOf(UTILITIES)] = "contribution"
    # Of a fractional number of units: carried over (their Algorithm 1), or a draw (their PPO's code).
    rounding: Annotated[str, OneOf(("accumulate", "bernoulli"))] = "accumulate"
    # False keeps the replaced units' Adam moments, as the authors' PPO does.
    forget_optimizer_state: bool = True

    def plasticity(self) -> Wrapper:
        """Return continual backpropagation, still without its optimiser and layers."""
        from plastic_rl.initialisers import lecun_uniform_
        from plastic_rl.optim import ContinualBackprop

        return partial(
            ContinualBackprop,
            replacement_rate=self.replacement_rate,
            maturity_threshold=self.maturity_threshold,
            decay_rate=self.decay_rate,
            utility=self.utility,
            rounding=self.rounding,
            forget_optimizer_state=self.forget_optimizer_state,
            initialiser=lecun_uniform_,
        )
