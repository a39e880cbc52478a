"""CIFAR-100 Superclass (Yoon et al., ICLR 2020; settings of `cifar100_sup_apd_bash.py` of their code)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envs.split_cifar100 import SplitCIFAR100
from plastic_rl.settings import Count

if TYPE_CHECKING:
    from plastic_rl.streams.data.images import ImageSet


@dataclass
class SuperclassCIFAR100(SplitCIFAR100):
    """CIFAR-100 in twenty tasks, the five classes of each coarse class, in one of five orders (Yoon et al. 2020)."""

    tasks: Count = 20

    def groups(self, images: ImageSet) -> list[list[int]]:
        from plastic_rl.streams.class_split import by_coarse_class

        return by_coarse_class(images)
