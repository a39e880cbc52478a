"""A data set that grows: warm starts, and the whole of it at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from plastic_rl.streams.data.images import UNIT_SCALE, ImageSet
from plastic_rl.streams.draws import source
from plastic_rl.streams.stream import Plan, Stream
from plastic_rl.streams.task import Task, View


class GrowingData(Stream):
    """A share of a data set, then a greater share that holds the first, and so on.

    With the shares 0.5 and 1 this is the warm start of Ash & Adams, "On warm-starting neural network training" (NeurIPS
    2020): a network that learned from half of the data first ends worse than a fresh one. With the one share 1 it is
    plain training on a data set.

    Args:
        images: the data set.
        plan: how it is gone through; a task for each share.
        seed: of the images in each share, and of the order of examples.
        shares: of the images to learn from, rising, up to 1.
        view: turns images as bytes into what the network sees.

    Raises:
        ValueError: shares do not rise from above 0 to at most 1, or there is not one for each task.
    """

    def __init__(
        self, images: ImageSet, plan: Plan, seed: int, *, shares: Sequence[float] = (0.5, 1.0), view: View = UNIT_SCALE
    ) -> None:
        super().__init__(plan, seed)
        rising = [0.0, *shares]
        if any(share <= before for before, share in zip(rising, shares, strict=False)) or rising[-1] > 1:
            raise ValueError(f"shares must rise and lie above 0 and up to 1, got {list(shares)}")
        if len(shares) != plan.tasks:
            raise ValueError(f"{plan.tasks} tasks need as many shares, got {list(shares)}")
        self.images, self.shares, self.view = images, shares, view

    @property
    def shape(self) -> tuple[int, ...]:
        return self.images.shape

    @property
    def outputs(self) -> int:
        return self.images.classes

    def examples(self, index: int) -> int:
        return max(1, round(self.shares[index] * len(self.images.train)))

    def task(self, index: int) -> Task:
        rows = torch.randperm(len(self.images.train), generator=source(self.seed, "share"))[: self.examples(index)]
        train = self.images.train.only(rows.to(self.images.train.inputs.device))
        outputs = slice(0, self.outputs)
        return Task(index, train, outputs, self.images.test, view=self.view, parameters={"share": self.shares[index]})
