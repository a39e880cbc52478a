"""Observations for want of real ones, as near to them as can be."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np
from gymnasium import spaces
from jaxtyping import Float, UInt8

from plastic_rl.doctor.observations import Batch, is_image

# A bound beyond this is none: older environments write the largest float where they mean infinity.
FAR = 1e6


def drawn(
    space: spaces.Space[Any], count: int, *, last: Batch | None = None, is_normalised: bool = False
) -> tuple[Batch, str]:
    """Observations of a space, always the same, and how they were come by in words.

    Images are those that the model saw last, shifted; without those, blurred shapes whose power falls with the square
    of the frequency, as that of photographs does. Everything else is uniform between its bounds and standard normal
    where it has none, or where a `VecNormalize` stood between.

    Args:
        space: what the model observes.
        count: how many to draw.
        last: the observations that the model saw last, if it saw any.
        is_normalised: whether a `VecNormalize` stood between the environment and the model.
    """
    if isinstance(space, spaces.Dict):
        shown = last if isinstance(last, Mapping) else {}
        parts = {
            name: drawn(part, count, last=shown.get(name), is_normalised=is_normalised)
            for name, part in space.spaces.items()
        }
        batches = {name: batch for name, (batch, _) in parts.items()}
        return batches, "; ".join(f"{name}: {words}" for name, (_, words) in parts.items())
    if is_image(space):
        return _images(space, count, last)
    if is_normalised and isinstance(space, spaces.Box):
        batch = np.random.default_rng(0).standard_normal((count, *space.shape)).astype(np.float32)
        return batch, f"{count:,} observations from a normal distribution (the model was trained behind a VecNormalize)"
    return _members(space, count), f"{count:,} observations drawn from their space"


def _members(space: spaces.Space[Any], count: int) -> Any:
    if isinstance(space, spaces.Box) and space.dtype is not None and space.dtype.kind == "f":
        low, high = (np.where(np.abs(bound) > FAR, np.sign(bound) * np.inf, bound) for bound in (space.low, space.high))
        space = spaces.Box(low.astype(space.dtype), high.astype(space.dtype), dtype=space.dtype.type)
    space = deepcopy(space)
    space.seed(0)
    return np.stack([space.sample() for _ in range(count)])


def _images(space: Any, count: int, last: Any) -> tuple[Any, str]:
    channel = int(np.argmin(space.shape))
    source = np.random.default_rng(0)
    if last is not None and np.shape(last)[1:] == space.shape and len(last):
        pictures = _shifted(np.asarray(last), count, channel, source)
        return pictures, f"{count:,} shifts of the {len(last)} images that the model saw last"
    height, width = (size for axis, size in enumerate(space.shape) if axis != channel)
    shapes = blurred_shapes(source, count, space.shape[channel], height, width)
    return np.moveaxis(shapes, 1, channel + 1), f"{count:,} blurred shapes (the model has seen no image yet)"


def _shifted(pictures: Any, count: int, channel: int, source: np.random.Generator) -> Any:
    axes = [axis for axis in range(3) if axis != channel]
    reach = [max(1, pictures.shape[axis + 1] // 8) for axis in axes]
    shifts = [source.integers(-far, far + 1, count) for far in reach]
    chosen = pictures[np.arange(count) % len(pictures)]
    return np.stack([np.roll(each, shift, axes) for each, shift in zip(chosen, zip(*shifts, strict=True), strict=True)])


def blurred_shapes(
    source: np.random.Generator, count: int, channels: int, height: int, width: int
) -> UInt8[np.ndarray, "count channels height width"]:
    """Images between 0 and 255 whose power falls with the square of the frequency; channels are one a pixel on."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(source.standard_normal((count, height, width))) / frequency
    images = _stretched(np.fft.irfft2(spectrum, s=(height, width)))
    return np.stack([np.roll(images, shift, 2) for shift in range(channels)], 1)


def _stretched(images: Float[np.ndarray, "count height width"]) -> UInt8[np.ndarray, "count height width"]:
    low, high = images.min((1, 2), keepdims=True), images.max((1, 2), keepdims=True)
    return (255 * (images - low) / np.maximum(high - low, 1e-12)).astype(np.uint8)
