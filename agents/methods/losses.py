"""Methods that add a term to the loss of what the network makes of a minibatch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from agents.methods.settings import MethodSettings
from plastic_rl.settings import NonNegative


@dataclass
class FeatureNorm(MethodSettings):
    """The penalty on the norm of features, a control (Moalla et al., NeurIPS 2024, measure how it grows)."""

    method: ClassVar[str] = "FeatureNorm"
    summary: ClassVar[str] = "whose features are kept small: λ times their squared norm is added to the loss"

    strength: NonNegative = 1e-3  # λ
