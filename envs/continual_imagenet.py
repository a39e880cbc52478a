"""Continual ImageNet (Dohare et al., Nature 632, 2024, "Details of Continual ImageNet")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, ClassVar

from envs.recipe import ImageStream
from plastic_rl.settings import Count, OneOf

if TYPE_CHECKING:
    from plastic_rl.streams.data.images import ImageSet
    from plastic_rl.streams.stream import Stream
    from plastic_rl.streams.task import View

SCALES = ("centred", "unit", "bytes")


@dataclass
class ContinualImageNet(ImageStream):
    """ImageNet at 32 x 32, two classes at a time, 250 epochs each (Dohare et al. 2024, Fig. 1b and c)."""

    agent_settings: ClassVar[Mapping[str, object]] = {"network": "convnet"}

    added_later: ClassVar[Mapping[str, object]] = {"changes": True}

    tasks: Count = 2000  # for backpropagation; 5,000 for all other algorithms
    epochs: Count = 250
    batch_size: Count = 100
    train_images: Count = 600  # of each class
    test_images: Count = 100  # of each class, the next ones among ImageNet's training images
    new_order_each_round: bool = False  # the paper's code goes through the same order of classes again
    # Pixels / 255 less the mean image (the reason is with ClassPairs), pixels / 255, or bytes.
    scale: Annotated[str, OneOf(SCALES)] = "centred"
    changes: bool = True  # false is a control: the first two classes for ever

    def build(self, *, seed: int, device: str) -> Stream:
        from plastic_rl.streams.class_pairs import ClassPairs
        from plastic_rl.streams.stream import Plan

        images = self.images(device)
        plan = Plan(self.tasks, self.epochs, self.batch_size, zeroes_head=True)
        new_order = self.new_order_each_round
        view = self.view(images)
        return ClassPairs(images, plan, seed, view=view, new_order_each_round=new_order, changes=self.changes)

    def images(self, device: str) -> ImageSet:
        """The images to learn from and those to be tested on."""
        from plastic_rl.streams.class_pairs import first_of_each

        images = self.load("imagenet32", device)
        train = first_of_each(images.train, images.classes, self.train_images)
        test = first_of_each(images.train, images.classes, self.test_images, after=self.train_images)
        return replace(images, train=train, test=test)

    def view(self, images: ImageSet) -> View:
        """The scaling of images as bytes into what the network sees."""
        from plastic_rl.streams.data.images import Scaling, mean_image

        if self.scale == "bytes":
            return lambda kept: kept.float()
        return Scaling(mean_image(images.train.inputs)) if self.scale == "centred" else Scaling()
