"""Adam from scratch at each task: the control that cannot lose plasticity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from agents.adam import Adam
from plastic_rl.choices import Renewal


@dataclass
class AdamFresh(Adam):
    """Adam with a fresh network and fresh moments at each task: the control that keeps nothing."""

    renewal: ClassVar[Renewal] = Renewal.network
