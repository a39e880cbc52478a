"""Catch, in pixels: the smallest problem that a convolutional policy can learn, for changes of images."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete


class Catch(gymnasium.Env[np.ndarray, Any]):
    """A ball falls one row a step; the paddle in the last row moves left, stays, or moves right.

    The reward is 1 for a ball that is caught, -1 for one that is missed, and 0 before (Mnih et al. 2014; bsuite's
    ``catch``, whose board is 10 × 5). Observations are images, 40 × 40 × 1 bytes, each cell a square of 4 × 4.

    Args:
        render_mode: ``"rgb_array"`` or None.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 10}  # pyright: ignore[reportIncompatibleVariableOverride]
    cells: ClassVar[int] = 10
    pixels: ClassVar[int] = 4

    def __init__(self, render_mode: str | None = None) -> None:
        side = self.cells * self.pixels
        self.observation_space = Box(0, 255, (side, side, 1), np.uint8)
        self.action_space = Discrete(3)
        self.render_mode = render_mode
        self._row, self._column, self._paddle = 0, 0, self.cells // 2

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self._row, self._column, self._paddle = 0, int(self.np_random.integers(self.cells)), self.cells // 2
        return self._image(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self._paddle = min(max(self._paddle + int(action) - 1, 0), self.cells - 1)
        self._row += 1
        landed = self._row == self.cells - 1
        reward = (1.0 if self._paddle == self._column else -1.0) if landed else 0.0
        return self._image(), reward, landed, False, {}

    def render(self) -> Any:
        return np.repeat(self._image(), 3, axis=2)

    def _image(self) -> np.ndarray:
        board = np.zeros((self.cells, self.cells, 1), np.uint8)
        board[self._row, self._column] = board[-1, self._paddle] = 255
        return board.repeat(self.pixels, axis=0).repeat(self.pixels, axis=1)
