"""Fashion-MNIST as it is: one task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envs.mnist import MNIST

if TYPE_CHECKING:
    from plastic_rl.streams.data.images import ImageSet


@dataclass
class FashionMNIST(MNIST):
    """Fashion-MNIST all at once, five epochs in minibatches of 256, as Ma et al. (2020) have it."""

    def images(self, device: str) -> ImageSet:
        return self.load("fashion-mnist", device)
