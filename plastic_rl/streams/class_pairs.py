"""Two classes at a time: Continual ImageNet.

Dohare et al., "Loss of plasticity in deep continual learning", Nature 632 (2024), "Details of Continual ImageNet", and
`lop/imagenet/single_expr.py` of their code.
"""

from __future__ import annotations

import torch
from torch import Tensor

from plastic_rl.streams.data.images import UNIT_SCALE, ImageSet, places_by_class
from plastic_rl.streams.draws import source
from plastic_rl.streams.stream import Plan, Stream
from plastic_rl.streams.task import Examples, Task, View


class ClassPairs(Stream):
    """Tells two classes apart, then two others, in an order of classes that is drawn once and gone through again.

    For the paper's problem the view is `Scaling(mean_image(...))`. Its code takes images as its files store them, and
    another reader of those files, `mlproj_manager`, gives a mean of 0.0003, a deviation of 0.260 and nothing beyond
    0.630 for all of them. That fits pixels / 255 less the mean image, as Downsampled ImageNet was published to be read,
    and neither bytes nor numbers from 0 to 1.

    A class that is left over at the end of an odd number of them is not used.

    Args:
        images: the data set.
        plan: how it is gone through.
        seed: of the order of the classes, and of the order of examples.
        view: turns images as bytes into what the network sees.
        new_order_each_round: draw another order when all classes have been seen; else the pairs return.
        changes: go on to other classes; else the first pair stays, the control.
    """

    def __init__(
        self,
        images: ImageSet,
        plan: Plan,
        seed: int,
        *,
        view: View = UNIT_SCALE,
        new_order_each_round: bool = False,
        changes: bool = True,
    ) -> None:
        super().__init__(plan, seed)
        self.images, self.view, self.new_order_each_round, self.changes = images, view, new_order_each_round, changes
        self._places = [places_by_class(part, images.classes) for part in (images.train, images.test)]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.images.shape

    @property
    def outputs(self) -> int:
        return 2

    def task(self, index: int) -> Task:
        first, second = self.pair(index)
        train, test = (
            _of_the_pair(part, places[first], places[second])
            for part, places in zip((self.images.train, self.images.test), self._places, strict=True)
        )
        return Task(
            index,
            train,
            slice(0, 2),
            test,
            view=self.view,
            identity=self._number(index) if self.new_order_each_round else self._number(index) % self._pairs,
            parameters={"first_class": first, "second_class": second},
        )

    def pair(self, index: int) -> tuple[int, int]:
        """The classes of a task: those that are its outputs 0 and 1."""
        turn, place = divmod(self._number(index), self._pairs)
        draws = source(self.seed, "classes", turn if self.new_order_each_round else 0)
        first, second = torch.randperm(self.images.classes, generator=draws)[2 * place : 2 * place + 2].tolist()
        return first, second

    @property
    def _pairs(self) -> int:
        return self.images.classes // 2

    def _number(self, index: int) -> int:
        """The number of the pair that a task is about, without end."""
        return index if self.changes else 0


def first_of_each(examples: Examples, classes: int, count: int, *, after: int = 0) -> Examples:
    """The first examples of each class, or those that come after so many; they share their tensors with all examples.

    The paper takes 600 of ImageNet's training images of each class to learn from, and 100 others to test.

    Raises:
        ValueError: a class has too few.
    """
    by_class = places_by_class(examples, classes)
    fewest = min(map(len, by_class))
    if fewest < after + count:
        raise ValueError(f"{after + count} images of each class are needed, but one class has only {fewest}")
    return examples.only(torch.cat([places[after : after + count] for places in by_class]))


def _of_the_pair(examples: Examples, first: Tensor, second: Tensor) -> Examples:
    # A copy: the classes are numbers of outputs here, so that the labels cannot be shared, and it is small.
    images, _ = examples.take(torch.cat([first, second]))
    targets = torch.zeros(len(images), dtype=torch.int64, device=images.device)
    targets[len(first) :] = 1
    return Examples(images, targets)
