"""APD with continual backpropagation: memory of the tasks, and plasticity of what they share."""

from __future__ import annotations

from dataclasses import dataclass

from agents.apd import APD
from agents.methods import ContinualBackpropOnStreams


@dataclass
class APDCBP(ContinualBackpropOnStreams, APD):
    """APD whose least useful shared units are replaced; old tasks keep the weights that they had there."""
