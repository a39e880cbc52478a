"""Data sets of images as streams hold them: once, as bytes, on the device where they are learned from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from plastic_rl.streams.data.datasets import Dataset, Labelled, load_dataset
from plastic_rl.streams.data.readers import scrambled_as_released
from plastic_rl.streams.task import Examples

BRIGHTEST = 255
SUMMED_AT_ONCE = 1000


@dataclass(frozen=True, eq=False)
class ImageSet:
    """A data set of images on a device.

    Args:
        train: images as bytes, of shape (n, channels, height, width), and their classes.
        test: the same, to be tested on.
        classes: how many there are.
        coarse: the coarse class of each class, where there are two levels.
    """

    train: Examples
    test: Examples
    classes: int
    coarse: Int[Tensor, " classes"] | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        channels, height, width = self.train.inputs.shape[1:]
        return channels, height, width


@dataclass(frozen=True, eq=False)
class Scaling:
    """The view of images kept as bytes: (pixels / 255 - mean) / deviation.

    Args:
        mean: what is taken away, for example one number for each channel, of shape (channels, 1, 1).
        deviation: what is divided by.
    """

    mean: Tensor | float = 0.0
    deviation: Tensor | float = 1.0

    def __call__(self, images: UInt8[Tensor, "n *shape"]) -> Float[Tensor, "n *shape"]:
        """The images as numbers."""
        return images.float().div_(BRIGHTEST).sub_(self.mean).div_(self.deviation)


UNIT_SCALE = Scaling()
"""The view of images kept as bytes as numbers from 0 to 1."""


def by_channel(values: tuple[float, ...], device: torch.device | str) -> Float[Tensor, "channels 1 1"]:
    """One number for each channel, in the shape that `Scaling` takes."""
    return torch.tensor(values, device=device).view(-1, 1, 1)


def mean_image(images: UInt8[Tensor, "n *shape"]) -> Float[Tensor, "*shape"]:
    """The mean of images as bytes, on a scale from 0 to 1; the same on every device and in any order of summing."""
    # Sums of so few bytes are whole numbers that 32 bits hold exactly, and fifty times as fast as a sum of integers.
    sums = [part.sum(0, dtype=torch.float32).double() for part in images.split(SUMMED_AT_ONCE)]
    return (torch.stack(sums).sum(0) / (BRIGHTEST * len(images))).float()


def places_by_class(examples: Examples, classes: int) -> list[Int[Tensor, " places"]]:
    """For each class the places among the examples that are of it, in rising order."""
    labels = examples.targets if examples.rows is None else examples.targets[examples.rows]
    return list(labels.argsort(stable=True).split(labels.bincount(minlength=classes).tolist()))


def relabelled(examples: Examples, names: Int[Tensor, " classes"]) -> Examples:
    """The examples with another number for each class."""
    return replace(examples, targets=names.to(examples.targets.device)[examples.targets])


def coarsened(images: ImageSet) -> ImageSet:
    """A data set of two levels, to be told apart by the coarse classes.

    Raises:
        ValueError: it has no coarse classes.
    """
    if images.coarse is None:
        raise ValueError("the data set has no coarse classes")
    train, test = (relabelled(part, images.coarse) for part in (images.train, images.test))
    return ImageSet(train, test, classes=int(images.coarse.max()) + 1)


def quarter_turned(examples: Examples) -> Examples:
    """Square images as they are, then all of them turned by 90, by 180 and by 270 degrees: a copy."""
    images, labels = examples.take(torch.arange(len(examples), device=examples.inputs.device))
    return Examples(torch.cat([images.rot90(turns, (2, 3)) for turns in range(4)]), labels.repeat(4))


def on_device(dataset: Dataset, device: torch.device | str) -> ImageSet:
    """A data set put on a device; on the CPU it shares its memory."""
    coarse = None if dataset.coarse is None else torch.from_numpy(dataset.coarse).to(device)
    return ImageSet(_examples(dataset.train, device), _examples(dataset.test, device), dataset.classes, coarse)


def _examples(labelled: Labelled, device: torch.device | str) -> Examples:
    # Arrays that look into a file are read-only, which torch cannot share.
    images, labels = (np.require(array, requirements=["C", "W"]) for array in (labelled.images, labelled.labels))
    return Examples(torch.from_numpy(images).to(device), torch.from_numpy(labels).to(device))


@lru_cache(maxsize=2)
def load_images(
    name: str, folder: str | None = None, *, device: str = "cpu", download: bool = True, scrambled: bool = False
) -> ImageSet:
    """A data set by its name, on a device; the streams of all seeds in a process get the same tensors.

    Args:
        name: one of `plastic_rl.streams.data.datasets.DATASETS`.
        folder: where data sets are; the user's cache folder unless given.
        device: where it is put.
        download: whether missing files may be fetched.
        scrambled: take channel-first images for channel-last (`scrambled_as_released`).

    Raises:
        UserError: there is no such data set, or a file of it is missing or damaged.
    """
    dataset = load_dataset(name, None if folder is None else Path(folder), download=download)
    if scrambled:
        train, test = (
            replace(part, images=scrambled_as_released(part.images)) for part in (dataset.train, dataset.test)
        )
        dataset = replace(dataset, train=train, test=test)
    return on_device(dataset, device)
