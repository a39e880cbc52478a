"""Class-incremental CIFAR-100 (Dohare et al., Nature 632, 2024, "Class-incremental CIFAR-100")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from envs.recipe import ImageStream
from plastic_rl.settings import Count, Rate

if TYPE_CHECKING:
    from plastic_rl.streams.stream import Plan, Stream

# Of each channel of the training images, as the paper's code has them.
MEAN, DEVIATION = (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)


@dataclass
class IncrementalCIFAR100(ImageStream):
    """CIFAR-100, to which five more classes come every 200 epochs, up to all hundred (Dohare et al. 2024, Fig. 2)."""

    agent_settings: ClassVar[Mapping[str, object]] = {"network": "resnet18"}

    tasks: Count = 20
    classes_per_task: Count = 5
    epochs: Count = 200
    batch_size: Count = 90
    validation_images: Count = 50  # of each class's 500; they choose the weights that the next task begins with
    milestones: list[int] = field(default_factory=lambda: [60, 120, 160])  # epochs of a task
    decay: Rate = 0.2  # of the learning rate at each of them
    augments: bool = True  # flip, crop and rotate images that are learned from, at random

    def build(self, *, seed: int, device: str) -> Stream:
        from plastic_rl.streams.augmentation import FlipCropRotate
        from plastic_rl.streams.class_incremental import ClassIncremental
        from plastic_rl.streams.data.images import Scaling, by_channel

        return ClassIncremental(
            self.load("cifar100", device),
            self.plan(),
            seed,
            classes_per_task=self.classes_per_task,
            validation_images=self.validation_images,
            view=Scaling(by_channel(MEAN, device), by_channel(DEVIATION, device)),
            augment=FlipCropRotate() if self.augments else None,
        )

    def plan(self) -> Plan:
        """The way in which the stream is gone through."""
        from plastic_rl.streams.stream import Plan

        milestones = tuple(self.milestones)
        return Plan(
            self.tasks, self.epochs, self.batch_size, carries_best=True, milestones=milestones, decay=self.decay
        )
