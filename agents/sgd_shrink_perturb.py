"""SGD with weight decay and noise: shrink and perturb."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from agents.sgd_l2 import SGDL2
from plastic_rl.settings import NonNegative

if TYPE_CHECKING:
    from plastic_rl.optim import Plasticity


@dataclass
class SGDShrinkPerturb(SGDL2):
    """SGD that shrinks all weights and adds a little noise at each update (Ash & Adams 2020; Dohare et al. 2024)."""

    noise_std: NonNegative = 1e-5  # of the noise added to each weight and bias at each update

    def plasticity(self) -> Plasticity:
        """Return shrink and perturb; the shrinking is done by the weight decay, as in the paper."""
        from plastic_rl.optim import ShrinkPerturb

        return partial(ShrinkPerturb, noise_std=self.noise_std)
