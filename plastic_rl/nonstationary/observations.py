"""Changes of observations that are vectors: the world stays as it was."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.spaces import Box

from plastic_rl.nonstationary.boxes import even_box, mirrored_box, unbounded_box, vector_box
from plastic_rl.nonstationary.changes import Change, NumberChange, Parameters, ShareChange
from plastic_rl.nonstationary.draws import Draws


class VectorObservation(Change):
    """A change of observations that are vectors."""

    def bind(self, env: gymnasium.Env[Any, Any]) -> None:
        self._size = vector_box(env.observation_space, self, "observations").shape[0]
        self.undo(env)


@dataclass
class PermuteObservations(VectorObservation):
    """The entries of the observation in another order and, if wanted, with other signs.

    What the agent sees at place ``i`` is entry ``permutation[i]`` times ``signs[i]``; nothing is lost.

    Args:
        signs: Whether half of the entries, on average, change sign.
    """

    signs: bool = True

    def draw(self, index: int, draws: Draws) -> Parameters:
        generator = draws[index]
        permutation = generator.permutation(self._size).tolist()
        signs = generator.choice([-1, 1], self._size).tolist() if self.signs else [1] * self._size
        return {"permutation": permutation, "signs": signs}

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        self._permutation = np.array(parameters["permutation"])
        self._signs = np.array(parameters["signs"])

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self._permutation, self._signs = np.arange(self._size), np.ones(self._size, int)

    def observation(self, observation: Any) -> Any:
        return (observation[self._permutation] * self._signs).astype(observation.dtype)

    def observation_space(self, space: gymnasium.Space[Any]) -> gymnasium.Space[Any]:
        box = vector_box(space, self, "observations")
        return even_box(mirrored_box(box, self) if self.signs else box)


@dataclass
class FlipObservations(VectorObservation, ShareChange):
    """A share of the observation's entries, in [0, 1], drawn anew for each task, has the other sign."""

    parameter: ClassVar[str] = "flipped"

    def draw(self, index: int, draws: Draws) -> Parameters:
        return {"flipped": _some_entries(self._size, self.number(index, draws.of(1)), draws[index])}

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        self.undo(env)
        self._signs[parameters["flipped"]] = -1

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self._signs = np.ones(self._size, int)

    def observation(self, observation: Any) -> Any:
        return (observation * self._signs).astype(observation.dtype)

    def observation_space(self, space: gymnasium.Space[Any]) -> gymnasium.Space[Any]:
        return mirrored_box(vector_box(space, self, "observations"), self)


@dataclass
class MaskObservations(VectorObservation, ShareChange):
    """A share of the observation's entries, in [0, 1], drawn anew for each task, reads zero."""

    parameter: ClassVar[str] = "masked"

    def draw(self, index: int, draws: Draws) -> Parameters:
        return {"masked": _some_entries(self._size, self.number(index, draws.of(1)), draws[index])}

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        self.undo(env)
        self._kept[parameters["masked"]] = False

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self._kept = np.ones(self._size, bool)

    def observation(self, observation: Any) -> Any:
        return np.where(self._kept, observation, 0).astype(observation.dtype)

    def observation_space(self, space: gymnasium.Space[Any]) -> gymnasium.Space[Any]:
        box = vector_box(space, self, "observations")
        return Box(np.minimum(box.low, 0), np.maximum(box.high, 0), dtype=box.dtype.type)


@dataclass
class OffsetObservations(VectorObservation, NumberChange):
    """A constant added to each entry: the task's number times a standard normal draw for the entry.

    It is the noise of TRAC and C-CHAIN, which is drawn once a task, N(0, 2) there.

    Args:
        redraw: Whether each task has offsets of its own; if not, one direction serves for life, and numbers that drift
            make a sensor that drifts.
        first_clean: Whether the first task has none, as in C-CHAIN's aligned control.
    """

    parameter: ClassVar[str] = "offset"

    redraw: bool = field(default=True, kw_only=True)
    first_clean: bool = field(default=False, kw_only=True)

    def draw(self, index: int, draws: Draws) -> Parameters:
        if self.first_clean and index == 0:
            return {"offset": [0.0] * self._size}
        direction = draws[index if self.redraw else 0].standard_normal(self._size)
        return {"offset": (self.number(index, draws.of(1)) * direction).tolist()}

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        self._offset = np.array(parameters["offset"])

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self._offset = np.zeros(self._size)

    def observation(self, observation: Any) -> Any:
        return (observation + self._offset).astype(observation.dtype)

    def observation_space(self, space: gymnasium.Space[Any]) -> gymnasium.Space[Any]:
        return unbounded_box(vector_box(space, self, "observations", kinds="f"))


@dataclass
class ScaleObservations(VectorObservation, NumberChange):
    """Each entry times a factor whose logarithm is the task's number times a standard normal draw for the entry.

    Args:
        redraw: Whether each task has factors of its own; if not, one direction serves for life.
    """

    parameter: ClassVar[str] = "scale"

    redraw: bool = field(default=True, kw_only=True)

    def draw(self, index: int, draws: Draws) -> Parameters:
        direction = draws[index if self.redraw else 0].standard_normal(self._size)
        return {"scale": np.exp(self.number(index, draws.of(1)) * direction).tolist()}

    def apply(self, env: gymnasium.Env[Any, Any], parameters: Parameters) -> None:
        self._scale = np.array(parameters["scale"])

    def undo(self, env: gymnasium.Env[Any, Any]) -> None:
        self._scale = np.ones(self._size)

    def observation(self, observation: Any) -> Any:
        return (observation * self._scale).astype(observation.dtype)

    def observation_space(self, space: gymnasium.Space[Any]) -> gymnasium.Space[Any]:
        return unbounded_box(vector_box(space, self, "observations", kinds="f"))


def _some_entries(size: int, share: float, generator: np.random.Generator) -> list[int]:
    return sorted(generator.choice(size, round(share * size), replace=False).tolist())
