"""Scikit-learn's digits in five tasks: a class split that needs no download."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from envs.split_cifar100 import SplitStream
from plastic_rl.settings import Count, Rate

if TYPE_CHECKING:
    from plastic_rl.streams.stream import Stream


@dataclass
class SplitDigits(SplitStream):
    """Scikit-learn's 8 x 8 digits in five tasks of two classes, with outputs of their own: learnt in seconds."""

    agent_settings: ClassVar[Mapping[str, object]] = {"network": "mlp", "hidden_layers": 2, "hidden_units": 100}

    # Ours: about 230 images a task, so that 240 updates of a batch of 20 learn it.
    tasks: Count = 5
    batch_size: Count = 20
    validation: Rate = 0.2  # of a task's training images, which are not learned from

    def build(self, *, seed: int, device: str) -> Stream:
        from plastic_rl.streams.class_split import ClassSplit, consecutive
        from plastic_rl.streams.orders import task_order

        images = self.load("digits", device)
        groups = consecutive(images.classes, 2)
        order = task_order(self.order, len(groups))
        return ClassSplit(images, self.plan(), seed, groups=groups, order=order, validation=self.validation)
