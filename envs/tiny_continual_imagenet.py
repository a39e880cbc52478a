"""Continual ImageNet on Tiny-ImageNet, whose files need no login."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envs.continual_imagenet import ContinualImageNet
from plastic_rl.settings import Count

if TYPE_CHECKING:
    from plastic_rl.streams.data.images import ImageSet


@dataclass
class TinyContinualImageNet(ContinualImageNet):
    """Tiny-ImageNet at 32 x 32, two classes at a time, 250 epochs each: Continual ImageNet with fewer classes."""

    # All that the data set has of each class; its test images are upstream's validation images.
    train_images: Count = 500
    test_images: Count = 50

    def images(self, device: str) -> ImageSet:
        from plastic_rl.streams.class_pairs import first_of_each

        images = self.load("tiny-imagenet32", device)
        train = first_of_each(images.train, images.classes, self.train_images)
        return replace(images, train=train, test=first_of_each(images.test, images.classes, self.test_images))
