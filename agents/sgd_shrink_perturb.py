"""SGD with weight decay and noise: shrink and perturb, as Dohare et al. (2024) run it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from agents.methods import ShrinkPerturb
from agents.sgd_l2 import SGDL2
from plastic_rl.settings import NonNegative, Rate


@dataclass
class SGDShrinkPerturb(ShrinkPerturb, SGDL2):
    """SGD that shrinks all weights and adds a little noise at each update (Ash & Adams 2020; Dohare et al. 2024)."""

    added_later: ClassVar[Mapping[str, object]] = {"shrink": 0.0}

    shrink: Rate = 0.0  # the weight decay shrinks, as in the paper
    noise_std: NonNegative = 1e-5  # of the noise added to each weight and bias, an update
