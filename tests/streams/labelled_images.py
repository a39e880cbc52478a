"""A data set whose images say which they are, so that a test can tell where each of them went."""

import torch

from plastic_rl.streams.data.images import ImageSet
from plastic_rl.streams.task import Examples


def labelled_images(classes, train, test, *, size=4, coarse=None):
    """Images of size x size, the pixels of each of which are its number; labels come in turn: 0, 1, 2, 0, 1, 2, ...

    Args:
        classes: how many.
        train: images of each class to learn from; their numbers are 0, 1, 2 ...
        test: images of each class to be tested on; their numbers go on from there.
        size: of an image.
        coarse: the coarse class of each class.
    """
    count = classes * (train + test)
    numbers = torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, size, size).contiguous()
    labels = torch.arange(count) % classes
    learned = classes * train
    coarse = None if coarse is None else torch.tensor(coarse)
    return ImageSet(
        Examples(numbers[:learned], labels[:learned]), Examples(numbers[learned:], labels[learned:]), classes, coarse
    )


def numbers_and_targets(examples):
    """The numbers of a task's images, and the targets that they have there."""
    images, targets = examples.take(torch.arange(len(examples)))
    return images[:, 0, 0, 0].tolist(), targets.tolist()
