"""Changes of the agent's actions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

from plastic_rl.nonstationary.boxes import is_even, symmetric_box, vector_box
from plastic_rl.nonstationary.changes import Change, NumberChange, Parameters, ShareChange
from plastic_rl.nonstationary.draws import Draws


@dataclass
class PermuteActions(Change):
    """The actions in another order: of a choice the options, of a vector the entries.

    Args:
        signs: Whether the entries of a vector also change sign, half of them on average.
    """

    signs: bool = False

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        self._space = self._checked(env.action_space)
        self._size = int(self._space.n) if isinstance(self._space, Discrete) else self._space.shape[0]
        self.undo(env)

    def draw(self, index: int, draws: Draws) -> Parameters:
        generator = draws[index]
        order = generator.permutation(self._size).tolist()
        if not self.signs:
            return {"action_permutation": order}
        return {"action_permutation": order, "action_signs": generator.choice([-1, 1], self._size).tolist()}

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        self._order = np.array(parameters["action_permutation"])
        self._signs = np.array(parameters.get("action_signs", [1] * self._size))

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self._order, self._signs = np.arange(self._size), np.ones(self._size, int)

    def action(self, action: Any) -> Any:
        if isinstance(self._space, Discrete):
            return self._option(self._space, action)
        action = np.asarray(action)
        return (action[self._order] * self._signs).astype(action.dtype)

    def _option(self, space: Discrete, action: Any) -> Any:
        place = int(action) - int(space.start)
        if not 0 <= place < self._size:
            raise ValueError(f"action {action} is not in {space}")
        return space.dtype.type(space.start + self._order[place])

    def _checked(self, space: gymnasium.Space[Any]) -> Discrete | Box:
        if isinstance(space, Discrete) and self.signs:
            raise ValueError(
                f"PermuteActions needs actions that are vectors, got {space}: a choice has no signs to flip"
            )
        if isinstance(space, Discrete):
            return space
        box = symmetric_box(space, self) if self.signs else vector_box(space, self, "actions", kinds="iuf")
        if is_even(box):
            return box
        raise ValueError(
            f"PermuteActions needs actions whose entries have the same bounds, got {space}: "
            "wrap the environment in gymnasium.wrappers.RescaleAction"
        )


class VectorAction(Change):
    """A change of actions that are vectors, with as much room below zero as above."""

    kinds: ClassVar[str] = "if"
    """NumPy's letters for the kinds of numbers that it works on."""

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        self._box = symmetric_box(env.action_space, self, self.kinds)
        self.undo(env)

    def _clipped(self, action: np.ndarray) -> np.ndarray:
        return np.clip(action, self._box.low, self._box.high).astype(self._box.dtype)


@dataclass
class FlipActions(VectorAction, ShareChange):
    """A share of the action's entries, in [0, 1], drawn anew for each task, has the other sign."""

    parameter: ClassVar[str] = "action_flipped"

    def draw(self, index: int, draws: Draws) -> Parameters:
        share, size = self.number(index, draws.of(1)), self._box.shape[0]
        return {"action_flipped": sorted(draws[index].choice(size, round(share * size), replace=False).tolist())}

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        self.undo(env)
        self._signs[parameters["action_flipped"]] = -1

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self._signs = np.ones(self._box.shape[0], int)

    def action(self, action: Any) -> Any:
        action = np.asarray(action)
        return (action * self._signs).astype(action.dtype)


@dataclass
class ActionGain(VectorAction, NumberChange):
    """The whole action times one factor, clipped to what the environment takes."""

    kinds: ClassVar[str] = "f"
    parameter: ClassVar[str] = "action_gain"

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        self._factor = parameters["action_gain"]

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self._factor = 1.0

    def action(self, action: Any) -> Any:
        return action if self._factor == 1 else self._clipped(np.asarray(action) * self._factor)


@dataclass
class DeadZone(VectorAction, NumberChange):
    """Entries closer to zero than this, in the action's units, do nothing."""

    parameter: ClassVar[str] = "dead_zone"

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        self._width = parameters["dead_zone"]

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self._width = 0.0

    def action(self, action: Any) -> Any:
        action = np.asarray(action)
        return np.where(np.abs(action) < self._width, 0, action).astype(action.dtype)
