"""SGD from scratch at each task: the control that cannot lose plasticity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from agents.sgd import SGD
from plastic_rl.choices import Renewal


@dataclass
class SGDFresh(SGD):
    """SGD with a fresh network at each task: what can be learned when nothing is carried over, the control."""

    renewal: ClassVar[Renewal] = Renewal.network
