"""Scikit-learn's digits as they are: one task that needs no download."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from envs.mnist import MNIST
from plastic_rl.settings import Count

if TYPE_CHECKING:
    from plastic_rl.streams.data.images import ImageSet


@dataclass
class Digits(MNIST):
    """Scikit-learn's 8 x 8 digits all at once, twenty epochs in minibatches of 32: learnt in seconds."""

    agent_settings: ClassVar[Mapping[str, object]] = {"network": "mlp", "hidden_layers": 3, "hidden_units": 100}

    epochs: Count = 20
    batch_size: Count = 32

    def images(self, device: str) -> ImageSet:
        return self.load("digits", device)
