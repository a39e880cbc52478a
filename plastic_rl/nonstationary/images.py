"""Changes of images: height × width × channels, or channels first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.spaces import Box

from plastic_rl.nonstationary.boxes import even_box, is_even
from plastic_rl.nonstationary.changes import Change, NumberChange, Parameters, ShareChange
from plastic_rl.nonstationary.draws import Draws


class ImageObservation(Change):
    """A change of observations that are images; within, channels are always last."""

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        self._box = _image_space(env.observation_space, self)
        self._channels_first = self._box.shape[0] < self._box.shape[2]
        height, width, self._channels = self._channels_last(np.empty(self._box.shape)).shape
        self._size = (height, width)
        self._on = False

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self._on = False

    def observation_space(self, space: gymnasium.Space[Any]) -> gymnasium.Space[Any]:
        """Widens a space whose pixels have bounds of their own to one where every pixel may be at every place."""
        box = _image_space(space, self)
        return box if is_even(box) else even_box(box)

    def observation(self, observation: Any) -> Any:
        if not self._on:
            return observation
        image = self.transform(self._channels_last(observation)).astype(observation.dtype)
        return np.ascontiguousarray(np.moveaxis(image, -1, 0) if self._channels_first else image)

    def transform(self, image: np.ndarray) -> np.ndarray:
        """The agent's view of ``image``, channels last."""
        raise NotImplementedError

    def _channels_last(self, image: np.ndarray) -> np.ndarray:
        return np.moveaxis(image, 0, -1) if self._channels_first else image


@dataclass
class PermutePixels(ImageObservation):
    """The pixels in another order, the same in every channel.

    The task is announced by a number from which its permutation follows: the permutation itself is as long as an image.

    Args:
        patch: Squares of so many pixels a side stay whole; 1 permutes single pixels.
    """

    patch: int = 1

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        super().bind(env)
        if self.patch < 1 or any(side % self.patch for side in self._size):
            raise ValueError(f"patch must divide the image's sides {self._size}, got {self.patch}")

    def draw(self, index: int, draws: Draws) -> Parameters:
        return {"pixel_permutation": int(draws[index].integers(2**31))}

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        rows, columns = (side // self.patch for side in self._size)
        patches = np.random.default_rng(parameters["pixel_permutation"]).permutation(rows * columns)
        pixels = np.arange(self._size[0] * self._size[1]).reshape(rows, self.patch, columns, self.patch)
        squares = pixels.swapaxes(1, 2).reshape(rows * columns, self.patch, self.patch)[patches]
        grid = squares.reshape(rows, columns, self.patch, self.patch).swapaxes(1, 2)
        self._order, self._on = grid.reshape(-1), True

    def transform(self, image: np.ndarray) -> np.ndarray:
        return image.reshape(-1, self._channels)[self._order].reshape(image.shape)


@dataclass
class Recolour(ImageObservation, NumberChange):
    """Other colours and another brightness: channels in another order, times one factor, clipped to the space's bounds.

    Args:
        permute: Whether the channels change places.
    """

    parameter: ClassVar[str] = "brightness"

    permute: bool = field(default=True, kw_only=True)

    def draw(self, index: int, draws: Draws) -> Parameters:
        order = draws[index].permutation(self._channels).tolist() if self.permute else list(range(self._channels))
        return {"channels": order, "brightness": self.number(index, draws.of(1))}

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        self._order, self._factor, self._on = parameters["channels"], parameters["brightness"], True

    def transform(self, image: np.ndarray) -> np.ndarray:
        return np.clip(image[..., self._order] * self._factor, self._box.low.min(), self._box.high.max())


@dataclass
class Occlude(ImageObservation, ShareChange):
    """A rectangle of the image, drawn anew for each task, is blank: as low as pixels can be, or 0 without bounds.

    The number is the rectangle's sides as a share of the image's, in [0, 1].
    """

    parameter: ClassVar[str] = "occluded"

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        super().bind(env)
        lowest = self._box.low.min()
        self._blank = lowest if np.isfinite(lowest) else min(0.0, self._box.high.min())

    def draw(self, index: int, draws: Draws) -> Parameters:
        share = self.number(index, draws.of(1))
        sides = [round(share * side) for side in self._size]
        corner = [int(draws[index].integers(side - size + 1)) for side, size in zip(self._size, sides, strict=True)]
        return {"occluded": [*corner, *sides]}

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        top, left, height, width = parameters["occluded"]
        self._where, self._on = (slice(top, top + height), slice(left, left + width)), True

    def transform(self, image: np.ndarray) -> np.ndarray:
        occluded = image.copy()
        occluded[self._where] = self._blank
        return occluded


def _image_space(space: gymnasium.Space[Any], change: Change) -> Box:
    if isinstance(space, Box) and len(space.shape) == 3:
        return space
    raise ValueError(f"{type(change).__name__} needs observations that are images, got {space}")
