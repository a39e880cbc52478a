"""Warm starts (Ash & Adams, "On warm-starting neural network training", NeurIPS 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from envs.recipe import ImageStream
from plastic_rl.settings import Count, OneOf, Range

if TYPE_CHECKING:
    from plastic_rl.streams.stream import Stream


@dataclass
class WarmStart(ImageStream):
    """Half of CIFAR-10's training images, then all of them, 350 epochs each (Ash & Adams 2020, Fig. 1)."""

    agent_settings: ClassVar[Mapping[str, object]] = {"network": "resnet18"}

    images: Annotated[str, OneOf(("cifar10", "cifar100", "mnist", "fashion-mnist", "digits"))] = "cifar10"
    share: Annotated[float, Range(0, 1, low_included=False)] = 0.5  # of the images, in the first task
    epochs: Count = 350
    batch_size: Count = 128

    def build(self, *, seed: int, device: str) -> Stream:
        from plastic_rl.streams.growing_data import GrowingData
        from plastic_rl.streams.stream import Plan

        images = self.load(self.images, device)
        return GrowingData(images, Plan(2, self.epochs, self.batch_size), seed, shares=(self.share, 1.0))
