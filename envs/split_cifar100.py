"""CIFAR-100 Split (Yoon et al., ICLR 2020; settings of `cifar100_apd_bash.py` of their code)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from envs.recipe import ImageStream
from plastic_rl.settings import Count, OneOf, Rate

if TYPE_CHECKING:
    from plastic_rl.streams.data.images import ImageSet
    from plastic_rl.streams.stream import Plan, Stream

ORDERS = ("A", "B", "C", "D", "E")


@dataclass
class SplitStream(ImageStream):
    """The settings of a data set cut into tasks of a few classes each, as the benchmarks of APD are."""

    order: Annotated[str, OneOf(ORDERS)] = "A"  # 0, 1, 2 ...; the others see plastic_rl/streams/orders.py
    tasks: Count = 10
    epochs: Count = 20
    batch_size: Count = 100
    decay: Rate = 0.95  # of the learning rate, after each epoch of a task

    def plan(self) -> Plan:
        """The way in which the stream is gone through."""
        from plastic_rl.streams.stream import Plan

        return Plan(
            self.tasks,
            self.epochs,
            self.batch_size,
            restarts_optimizer=True,
            milestones=tuple(range(1, self.epochs)),
            decay=self.decay,
            looks_back=True,
        )


@dataclass
class SplitCIFAR100(SplitStream):
    """CIFAR-100 in ten tasks of ten classes, each with outputs of its own, in one of five orders (Yoon et al. 2020)."""

    agent_settings: ClassVar[Mapping[str, object]] = {"network": "lenet"}

    validation: Rate = 0.2  # of a task's training images, which are not learned from
    scrambled: bool = False  # read the images as the released code does: channel-first bytes taken for channel-last

    def build(self, *, seed: int, device: str) -> Stream:
        from plastic_rl.streams.class_split import ClassSplit
        from plastic_rl.streams.orders import task_order

        images = self.load("cifar100", device, scrambled=self.scrambled)
        groups = self.groups(images)
        order = task_order(self.order, len(groups))
        return ClassSplit(images, self.plan(), seed, groups=groups, order=order, validation=self.validation)

    def groups(self, images: ImageSet) -> list[list[int]]:
        """The classes of each task, in the original order."""
        from plastic_rl.streams.class_split import consecutive

        return consecutive(images.classes, 10)
