"""Random changes to images that leave what they show: mirrored, shifted and turned, a whole batch at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor
from torch.nn import functional


@dataclass(frozen=True)
class FlipCropRotate:
    """The augmentation of class-incremental CIFAR-100's images (Dohare et al. 2024): flip, then crop, then rotate.

    Draws on the CPU, so that they do not depend on the device.

    Args:
        padding: pixels that a crop may be off in each direction.
        most_degrees: of a rotation; the least is 0.
    """

    padding: int = 4
    most_degrees: float = 15.0

    def __call__(self, images: Float[Tensor, "n c h w"], draws: Generator) -> Float[Tensor, "n c h w"]:
        """The images, each changed in a way of its own."""
        count, device = len(images), images.device
        is_flipped = torch.rand(count, generator=draws) < 0.5
        shifts = torch.randint(2 * self.padding + 1, (2, count), generator=draws) - self.padding
        degrees = torch.rand(count, generator=draws) * self.most_degrees
        images = flip(images, is_flipped.to(device))
        return rotate(shift(images, *shifts.to(device)), degrees.to(device))


def flip(images: Float[Tensor, "n c h w"], is_flipped: Bool[Tensor, " n"]) -> Float[Tensor, "n c h w"]:
    """The images, some of them mirrored left to right."""
    return torch.where(is_flipped[:, None, None, None], images.flip(-1), images)


def shift(
    images: Float[Tensor, "n c h w"], down: Int[Tensor, " n"], right: Int[Tensor, " n"]
) -> Float[Tensor, "n c h w"]:
    """The view of each image so many pixels further down and to the right; beyond its edge it is mirrored.

    The same as a crop from the image padded by reflection, in which the pixels of the edge themselves are not repeated.
    """
    height, width = images.shape[-2:]
    rows = _reflected(down[:, None] + torch.arange(height, device=images.device), height)
    columns = _reflected(right[:, None] + torch.arange(width, device=images.device), width)
    each = torch.arange(len(images), device=images.device)[:, None, None]
    # Indices on both sides of the channels put those last.
    return images[each, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def rotate(images: Float[Tensor, "n c s s"], degrees: Float[Tensor, " n"]) -> Float[Tensor, "n c s s"]:
    """Square images turned anticlockwise about their middles; the nearest pixel is taken, and what comes in is 0.

    As torchvision's `rotate` does it by default.
    """
    angles = degrees * (math.pi / 180)
    cosine, sine, zero = angles.cos(), angles.sin(), torch.zeros_like(angles)
    # From a pixel of the result to the place that it comes from: clockwise, with y pointing down.
    back = torch.stack([cosine, -sine, zero, sine, cosine, zero], dim=1).view(-1, 2, 3)
    places = functional.affine_grid(back, list(images.shape), align_corners=False)
    return functional.grid_sample(images, places, mode="nearest", padding_mode="zeros", align_corners=False)


def _reflected(places: Int[Tensor, "n length"], size: int) -> Int[Tensor, "n length"]:
    """Places outside 0 ... size - 1 mirrored at the first and the last."""
    return size - 1 - (size - 1 - places.abs()).abs()
