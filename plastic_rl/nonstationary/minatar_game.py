"""MinAtar's games (Young and Tian 2019) as Gymnasium environments that can be saved in mid-game."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.error import DependencyNotInstalled
from gymnasium.spaces import Box, Discrete

from plastic_rl.extras import missing


class MinAtarGame(gymnasium.Env[np.ndarray, Any]):
    """One game: images of 10 × 10 cells with a channel for each kind of object, six actions, sticky with chance 0.1.

    Args:
        game: ``asterix``, ``breakout``, ``freeway``, ``seaquest`` or ``space_invaders``.
        render_mode: ``"rgb_array"`` or None.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 10}  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, game: str, render_mode: str | None = None) -> None:
        try:
            from minatar import Environment
        except ImportError as error:
            raise DependencyNotInstalled(missing("minatar", "MinAtar")) from error
        self.name = game
        self.game = Environment(game)
        self.observation_space = Box(0, 1, tuple(self.game.state_shape()), np.uint8)
        self.action_space = Discrete(self.game.num_actions())
        self.render_mode = render_mode

    def __str__(self) -> str:
        return f"MinAtar/{self.name}"

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        if seed is not None or self._np_random is None:
            self.game.seed(int(self.np_random.integers(2**31)))
        self.game.reset()
        return self._image(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        reward, terminated = self.game.act(int(action))
        return self._image(), float(reward), bool(terminated), False, {}

    def render(self) -> Any:
        """One grey level for each kind of object."""
        image = self._image()
        levels = np.linspace(255, 60, image.shape[2]).astype(np.uint8)
        return np.repeat((image * levels).max(axis=2, keepdims=True), 3, axis=2).repeat(16, 0).repeat(16, 1)

    def state_dict(self) -> dict[str, Any]:
        """Both levels of the game, and the one generator that they share."""
        shell = {"last_action": self.game.last_action, "generator": self._np_random}
        rules = {name: value for name, value in vars(self.game.env).items() if name != "random"}
        return deepcopy({"shell": shell, "rules": rules, "random": self.game.random})

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on where the game that gave ``state`` was."""
        state = deepcopy(state)  # the rules keep lists, and write into them
        self.game.last_action, self._np_random = state["shell"]["last_action"], state["shell"]["generator"]
        vars(self.game.env).update(state["rules"])
        self.game.random = self.game.env.random = state["random"]

    def _image(self) -> np.ndarray:
        return self.game.state().astype(np.uint8)
