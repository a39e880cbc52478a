"""CIFAR-100's twenty coarse classes as they are: one task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envs.mnist import MNIST

if TYPE_CHECKING:
    from plastic_rl.streams.data.images import ImageSet


@dataclass
class CoarseCIFAR100(MNIST):
    """CIFAR-100 all at once, to be told apart by its twenty coarse classes, with the settings of CIFAR-10."""

    def images(self, device: str) -> ImageSet:
        from plastic_rl.streams.data.images import coarsened

        return coarsened(self.load("cifar100", device))
