"""SGD with L2 regularisation."""

from __future__ import annotations

from dataclasses import dataclass

from agents.sgd import SGD
from plastic_rl.settings import NonNegative


@dataclass
class SGDL2(SGD):
    """SGD with weight decay, which keeps the weights small (Dohare et al. 2024, "L2")."""

    weight_decay: NonNegative = 1e-4
