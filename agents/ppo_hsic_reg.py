"""PPO with an HSIC regulariser (HBaR: Wang et al., NeurIPS 2021)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from agents.ppo import PPO
from plastic_rl.settings import NonNegative, Positive


@dataclass
class PPOHSICReg(PPO):
    """PPO whose activations should depend on the returns and forget the observations, as a term in its loss (HBaR)."""

    lambda_x: NonNegative = 0.001  # what dependence on the observations costs; ours, nothing is published for PPO
    lambda_y: NonNegative = 0.005  # what dependence on the returns earns
    sigma: Positive = 5.0  # of the Gaussian kernels, over the root of the dimension

    def algorithm(self) -> Callable[..., Any]:
        from plastic_rl.sb3 import plastic
        from plastic_rl.sb3.regularized_ppo import RegularizedPPO

        made: Any = plastic(RegularizedPPO)
        return partial(made, lambda_x=self.lambda_x, lambda_y=self.lambda_y, sigma=self.sigma)
