"""Omniglot-rotation (Yoon et al., ICLR 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from envs.split_cifar100 import SplitStream
from plastic_rl.settings import Count

if TYPE_CHECKING:
    from plastic_rl.streams.stream import Stream

# The first 1,200 of the data set's 1,623 characters are used.
TASKS, CHARACTERS = 100, 12


@dataclass
class OmniglotRotation(SplitStream):
    """Omniglot in a hundred tasks of twelve characters, each drawing in four rotations (Yoon et al. 2020)."""

    # The paper's larger LeNet: 64 and 128 channels, 2,500 and 1,500 units.
    agent_settings: ClassVar[Mapping[str, object]] = {"network": "large_lenet"}

    # Ours: no code for this experiment is public, nor are its orders, so that B to E are drawn.
    tasks: Count = TASKS
    epochs: Count = 100

    def build(self, *, seed: int, device: str) -> Stream:
        from plastic_rl.streams.class_split import ClassSplit, consecutive
        from plastic_rl.streams.orders import task_order

        images = self.load("omniglot", device)
        groups = consecutive(images.classes, CHARACTERS)[:TASKS]
        order = task_order(self.order, len(groups))
        return ClassSplit(images, self.plan(), seed, groups=groups, order=order, validation=0.0, quarter_turns=True)
