"""The same images in every task, scrambled or named anew: Online Permuted MNIST and its variants.

Dohare et al., "Loss of plasticity in deep continual learning", Nature 632 (2024), "Online Permuted MNIST". The authors
permute the pixels of the last task's images once more. One random permutation after another is again uniformly random:
drawing each task's afresh, as here, is the same problem, and any task can be had without those before it.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from plastic_rl.streams.data.images import UNIT_SCALE, ImageSet
from plastic_rl.streams.draws import source
from plastic_rl.streams.stream import Plan, Stream
from plastic_rl.streams.task import Task


@dataclass(frozen=True, eq=False)
class PermutedPixels:
    """The view of images kept as bytes whose pixels are in another order: numbers from 0 to 1.

    Args:
        permutation: for each pixel the place that it comes from.
        shape: of one input.
    """

    permutation: Int[Tensor, " pixels"]
    shape: tuple[int, ...]

    def __call__(self, images: UInt8[Tensor, "n *image"]) -> Float[Tensor, "n *shape"]:
        """The images as the network sees them."""
        return UNIT_SCALE(images.flatten(1)[:, self.permutation]).view(-1, *self.shape)


class RepeatedImages(Stream):
    """The same images in every task, which differ in what a subclass varies.

    Args:
        images: the data set.
        plan: how it is gone through.
        seed: of everything that is drawn.
        flat: show images as rows of pixels; else in their own shape.
        examples: of a task; drawn from the data set where it has more, gone through again where it has fewer.
        returning: how many different tasks there are, which come in turn; 0 for no task twice.
        tested: tasks have the test images of the data set; else only the online accuracy counts.
    """

    same_examples: ClassVar[bool] = False
    """True if all tasks have the same examples, where they have fewer than the data set."""

    def __init__(
        self,
        images: ImageSet,
        plan: Plan,
        seed: int,
        *,
        flat: bool = True,
        examples: int | None = None,
        returning: int = 0,
        tested: bool = True,
    ) -> None:
        super().__init__(plan, seed)
        self.images, self.flat, self.returning = images, flat, returning
        self.test = images.test if tested else None
        self._count = len(images.train) if examples is None else examples

    @property
    def shape(self) -> tuple[int, ...]:
        return (math.prod(self.images.shape),) if self.flat else self.images.shape

    @property
    def outputs(self) -> int:
        return self.images.classes

    def examples(self, index: int) -> int:
        return self._count

    def task(self, index: int) -> Task:
        identity = index % self.returning if self.returning else index
        train = replace(self.images.train, rows=self._rows(0 if self.same_examples else identity))
        as_it_is = self._view(torch.arange(math.prod(self.shape)))
        return self.vary(Task(index, train, slice(0, self.outputs), self.test, view=as_it_is, identity=identity))

    @abstractmethod
    def vary(self, task: Task) -> Task:
        """The task as it differs from others; a function of its identity."""

    def _view(self, permutation: Tensor) -> PermutedPixels:
        return PermutedPixels(permutation.to(self.images.train.inputs.device), self.shape)

    def _rows(self, draw: int) -> Tensor | None:
        available = len(self.images.train)
        if self._count == available:
            return None
        rounds = math.ceil(self._count / available)
        draws = source(self.seed, "examples", draw)
        rows = torch.cat([torch.randperm(available, generator=draws) for _ in range(rounds)])
        return rows[: self._count].to(self.images.train.inputs.device)


class PixelPermutations(RepeatedImages):
    """Images whose pixels each task puts in a new order, drawn uniformly at random; the first task's are too."""

    def vary(self, task: Task) -> Task:
        draws = source(self.seed, "permutation", task.identity)
        return replace(task, view=self._view(torch.randperm(math.prod(self.shape), generator=draws)))


class LabelPermutations(RepeatedImages):
    """Images as they are, whose classes each task names anew: a permutation of the labels."""

    def vary(self, task: Task) -> Task:
        draws = source(self.seed, "labels", task.identity)
        names = torch.randperm(self.outputs, generator=draws).to(self.images.train.targets.device)
        train = replace(task.train, targets=names[task.train.targets])
        test = None if task.test is None else replace(task.test, targets=names[task.test.targets])
        return replace(task, train=train, test=test)


class RandomLabels(RepeatedImages):
    """Images as they are, to each of which each task gives a random label: to be memorised, so there is no test set.

    Lyle et al., "Understanding plasticity in neural networks", ICML 2023.
    """

    same_examples = True

    def vary(self, task: Task) -> Task:
        draws = source(self.seed, "labels", task.identity)
        count = len(self.images.train)
        labels = torch.randint(self.outputs, (count,), generator=draws).to(self.images.train.targets.device)
        return replace(task, train=replace(task.train, targets=labels), test=None)
