"""SGD with continual backpropagation."""

from __future__ import annotations

from dataclasses import dataclass

from agents.methods import ContinualBackpropOnStreams
from agents.sgd import SGD


@dataclass
class SGDCBP(ContinualBackpropOnStreams, SGD):
    """SGD whose least useful mature units are replaced, a few at a time (Dohare et al. 2024, Algorithm 1)."""
