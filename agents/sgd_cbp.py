"""SGD with continual backpropagation."""

from __future__ import annotations

from dataclasses import dataclass

from agents.continual_backprop import ContinualBackpropAgent
from agents.sgd import SGD


@dataclass
class SGDCBP(ContinualBackpropAgent, SGD):
    """SGD whose least useful mature units are replaced, a few at a time (Dohare et al. 2024, Algorithm 1)."""
