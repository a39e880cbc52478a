"""Local losses with continual backpropagation."""

from __future__ import annotations

from dataclasses import dataclass

from agents.hsic import HSIC
from agents.methods import ContinualBackpropOnStreams


@dataclass
class HSICCBP(ContinualBackpropOnStreams, HSIC):
    """Local losses in a network whose least useful mature units are replaced, one optimiser for all blocks."""
