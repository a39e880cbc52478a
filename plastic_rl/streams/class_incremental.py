"""More and more classes: class-incremental CIFAR-100.

Dohare et al., "Loss of plasticity in deep continual learning", Nature 632 (2024), "Class-incremental CIFAR-100".
"""

from __future__ import annotations

import torch

from plastic_rl.streams.data.images import UNIT_SCALE, ImageSet, places_by_class, relabelled
from plastic_rl.streams.draws import source
from plastic_rl.streams.stream import Plan, Stream
from plastic_rl.streams.task import Augment, Task, View


class ClassIncremental(Stream):
    """All images of the classes so far, a few classes more in each task, in an order of classes drawn at random.

    The network's outputs stand for the classes in that order; those of classes to come do not count yet.

    Args:
        images: the data set.
        plan: how it is gone through.
        seed: of the order of the classes, of the images to validate on, and of the order of examples.
        classes_per_task: how many are new in each task.
        validation_images: of each class, taken from those to learn from.
        view: turns images as bytes into what the network sees.
        augment: changes images that are learned from, after `view`.

    Raises:
        ValueError: the data set has too few classes, or a class too few images.
    """

    def __init__(
        self,
        images: ImageSet,
        plan: Plan,
        seed: int,
        *,
        classes_per_task: int = 5,
        validation_images: int = 50,
        view: View = UNIT_SCALE,
        augment: Augment | None = None,
    ) -> None:
        super().__init__(plan, seed)
        if plan.tasks * classes_per_task > images.classes:
            wanted = f"{plan.tasks} tasks of {classes_per_task} new classes"
            raise ValueError(f"{wanted} are more than the {images.classes} classes of the data set")
        self.images, self.view, self.augment, self.classes_per_task = images, view, augment, classes_per_task
        self.order = torch.randperm(images.classes, generator=source(seed, "classes"))
        self._train, self._test = (relabelled(part, self.order.argsort()) for part in (images.train, images.test))
        self._tested = places_by_class(self._test, images.classes)
        self._divide(validation_images)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.images.shape

    @property
    def outputs(self) -> int:
        return self.plan.tasks * self.classes_per_task

    def examples(self, index: int) -> int:
        return sum(map(len, self._learned[: self._known(index)]))

    def task(self, index: int) -> Task:
        known = self._known(index)
        return Task(
            index,
            self._train.only(torch.cat(self._learned[:known])),
            slice(0, known),
            self._test.only(torch.cat(self._tested[:known])),
            self._train.only(torch.cat(self._validated[:known])),
            view=self.view,
            augment=self.augment,
            parameters={"classes": known},
        )

    def _known(self, index: int) -> int:
        return (index + 1) * self.classes_per_task

    def _divide(self, validation_images: int) -> None:
        """Draws which images of each class are validated on."""
        by_class = places_by_class(self._train, self.images.classes)
        fewest = min(map(len, by_class))
        if fewest <= validation_images:
            raise ValueError(f"validation_images={validation_images} leaves none of a class of {fewest} to learn from")
        shuffled = [
            places[torch.randperm(len(places), generator=source(self.seed, "validation", number)).to(places.device)]
            for number, places in enumerate(by_class)
        ]
        self._validated = [places[:validation_images] for places in shuffled]
        self._learned = [places[validation_images:] for places in shuffled]
