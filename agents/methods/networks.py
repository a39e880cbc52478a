"""Networks: what follows the hidden layers of a perceptron."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from agents.methods.settings import NetworkSettings


@dataclass
class LayerNorm(NetworkSettings):
    """Layer normalisation before each non-linearity (Ba et al. 2016; against loss of plasticity: Lyle et al. 2023)."""

    summary: ClassVar[str] = "whose hidden layers are normalised before each non-linearity (Lyle et al. 2023)"

    def network_options(self) -> dict[str, Any]:
        return {"normalization": "layer"}
