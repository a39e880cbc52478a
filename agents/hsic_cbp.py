"""Local losses with continual backpropagation."""

from __future__ import annotations

from dataclasses import dataclass

from agents.continual_backprop import ContinualBackpropAgent
from agents.hsic import HSIC


@dataclass
class HSICCBP(ContinualBackpropAgent, HSIC):
    """Local losses in a network whose least useful mature units are replaced, one optimiser for all blocks."""
