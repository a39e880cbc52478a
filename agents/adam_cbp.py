"""Adam with continual backpropagation."""

from __future__ import annotations

from dataclasses import dataclass

from agents.adam import Adam
from agents.methods import ContinualBackpropOnStreams


@dataclass
class AdamCBP(ContinualBackpropOnStreams, Adam):
    """Adam whose least useful mature units are replaced, their moments and clock with them (Dohare et al. 2024)."""
