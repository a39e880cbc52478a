"""Adam with continual backpropagation."""

from __future__ import annotations

from dataclasses import dataclass

from agents.adam import Adam
from agents.continual_backprop import ContinualBackpropAgent


@dataclass
class AdamCBP(ContinualBackpropAgent, Adam):
    """Adam whose least useful mature units are replaced, their moments and clock with them (Dohare et al. 2024)."""
