"""SGD whose last layer starts afresh with each task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from agents.sgd import SGD
from plastic_rl.choices import Renewal


@dataclass
class SGDHeadReset(SGD):
    """SGD whose last layer is drawn afresh when a new task begins (Dohare et al. 2024, "head resetting")."""

    renewal: ClassVar[Renewal] = Renewal.head
