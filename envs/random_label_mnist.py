"""Random-label MNIST (Lyle et al., ICML 2023), with the settings of Kumar et al. (2023, arXiv 2308.11958)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envs.permuted_mnist import PermutedMNIST
from plastic_rl.settings import Count, NonNegativeInteger

if TYPE_CHECKING:
    from plastic_rl.streams.permuted import RepeatedImages


@dataclass
class RandomLabelMNIST(PermutedMNIST):
    """Images of MNIST, 1,200 of them, whose random labels every task draws anew, to be memorised in 400 epochs."""

    # Kumar et al. (2023), section 5, "Random Label MNIST" (the networks above are Dohare et al.'s).
    tasks: Count = 50
    examples: NonNegativeInteger = 1200  # the same in all tasks; 0 for all of the data set
    epochs: Count = 400
    batch_size: Count = 16

    def variant(self) -> type[RepeatedImages]:
        from plastic_rl.streams.permuted import RandomLabels

        return RandomLabels
