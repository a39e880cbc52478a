"""Label-permuted MNIST: the variant of Online Permuted MNIST in which the names change instead of the pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envs.permuted_mnist import PermutedMNIST

if TYPE_CHECKING:
    from plastic_rl.streams.permuted import RepeatedImages


@dataclass
class LabelPermutedMNIST(PermutedMNIST):
    """MNIST, gone through once a task; each task names the ten classes anew, and the pixels stay where they are."""

    def variant(self) -> type[RepeatedImages]:
        from plastic_rl.streams.permuted import LabelPermutations

        return LabelPermutations
