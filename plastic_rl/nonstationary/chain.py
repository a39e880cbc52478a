"""Whole environments in sequence, as one environment with room for the largest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, SupportsFloat

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

from plastic_rl.nonstationary.changes import Parameters
from plastic_rl.nonstationary.changing_world import ChangingWorld, refuse_changing
from plastic_rl.nonstationary.clock import RunClock
from plastic_rl.nonstationary.schedules import Schedule


class Chain(ChangingWorld, gymnasium.Env[Any, Any]):
    """Environments lived in one after another, from the first again when the last is over.

    Observations are padded with zeros at the end of each axis. An action that the present environment does not have
    counts from its first one again (choices), or is cut to its size (vectors).

    Args:
        environments: Gymnasium ids, or environments already made.
        schedule: When the next one comes; always at a reset.
        copies: How many copies of this environment step together.
        resets_take_a_step: As in ``Nonstationary``.
        render_mode: Given to each environment that is made from an id.

    Raises:
        ValueError: The environments' spaces cannot be brought together, or one of them changes already.
    """

    def __init__(
        self,
        environments: Sequence[str | gymnasium.Env[Any, Any]],
        schedule: Schedule,
        *,
        copies: int = 1,
        resets_take_a_step: bool = False,
        render_mode: str | None = None,
    ) -> None:
        if not environments or schedule.at != "reset":
            raise ValueError("a chain needs at least one environment, and a schedule that changes at a reset")
        self.environments = [_made(environment, render_mode) for environment in environments]
        for environment in self.environments:
            refuse_changing(environment)
        self.schedule = schedule
        self.task = {}
        self.render_mode = render_mode
        self.metadata = dict(self.environments[0].metadata)
        self.run_clock = RunClock(copies, resets_take_a_step)
        self._now = self.environments[0]
        self._seed: int | None = None
        self._seeded: list[int] = []
        self.observation_space = _observation_space([env.observation_space for env in self.environments])
        self.action_space = _action_space([env.action_space for env in self.environments])

    @property
    def number_of_tasks(self) -> int:
        return len(self.environments)

    def parameters(self, index: int) -> Parameters:
        """The name of task ``index``: its index and its environment's id."""
        environment = self.environments[index % len(self.environments)]
        return {"index": index, "environment": environment.spec.id if environment.spec else str(environment)}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.run_clock.begin_episode(seed, options)
        self._enter(self.schedule.task(self.clock))
        observation, info = self._now.reset(seed=self._seed_of_present(seed), options=options)
        return self._padded(observation), {**info, "task": dict(self.task)}

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self._now.step(_fitted(action, self._now.action_space))
        self.run_clock.tick()
        return self._padded(observation), float(reward), terminated, truncated, {**info, "task": dict(self.task)}

    def render(self) -> Any:
        return self._now.render()

    def close(self) -> None:
        for environment in self.environments:
            environment.close()

    def state_dict(self) -> dict[str, Any]:
        """The clock, the task in force, and the state of every environment."""
        from plastic_rl.runs.environment_state import environment_state

        states = [environment_state(environment) for environment in self.environments]
        return {
            "clock": self.run_clock.state_dict(),
            "index": self.task.get("index"),
            "seed": self._seed,
            "seeded": list(self._seeded),
            "environments": states,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on where the chain that gave ``state`` was."""
        from plastic_rl.runs.environment_state import restore_environment_state

        self.run_clock.load_state_dict(state["clock"])
        self._seed, self._seeded = state["seed"], list(state["seeded"])
        for environment, saved in zip(self.environments, state["environments"], strict=True):
            restore_environment_state(environment, saved)
        if state["index"] is not None:
            self._enter(state["index"])

    def _enter(self, index: int) -> None:
        self.task = self.parameters(index)
        self._now = self.environments[index % len(self.environments)]

    def _seed_of_present(self, seed: int | None) -> int | None:
        """The last seed that was named, for each environment when it is reset for the first time since."""
        if seed is not None:
            self._seed, self._seeded = seed, []
        present = self.environments.index(self._now)
        if present in self._seeded:
            return None
        self._seeded.append(present)
        return self._seed

    def _padded(self, observation: np.ndarray) -> np.ndarray:
        space = self.observation_space
        assert space.shape is not None
        padding = [(0, room - size) for room, size in zip(space.shape, observation.shape, strict=True)]
        return np.pad(observation, padding).astype(space.dtype)


def _made(environment: str | gymnasium.Env[Any, Any], render_mode: str | None) -> gymnasium.Env[Any, Any]:
    return gymnasium.make(environment, render_mode=render_mode) if isinstance(environment, str) else environment


def _observation_space(spaces: Sequence[gymnasium.Space[Any]]) -> Box:
    boxes = [space for space in spaces if isinstance(space, Box)]
    if len(boxes) < len(spaces) or len({len(box.shape) for box in boxes}) > 1:
        raise ValueError(f"a chain needs observations that are all vectors or all images, got {list(spaces)}")
    shape = tuple(np.max([box.shape for box in boxes], axis=0).tolist())
    low, high = min(box.low.min() for box in boxes), max(box.high.max() for box in boxes)
    # Padding is zero, whatever the bounds of the entries.
    return Box(min(low, 0), max(high, 0), shape, dtype=np.result_type(*[box.dtype for box in boxes]).type)


def _action_space(spaces: Sequence[gymnasium.Space[Any]]) -> Discrete | Box:
    if all(isinstance(space, Discrete) for space in spaces):
        return Discrete(max(int(space.n) for space in spaces))  # pyright: ignore[reportAttributeAccessIssue]
    boxes = [space for space in spaces if isinstance(space, Box) and len(space.shape) == 1]
    bounds = {(float(low), float(high)) for box in boxes for low, high in zip(box.low, box.high, strict=True)}
    if len(boxes) < len(spaces) or len(bounds) > 1:
        raise ValueError(f"a chain needs actions that are all choices, or vectors with the same bounds, got {spaces}")
    low, high = bounds.pop()
    return Box(low, high, (max(box.shape[0] for box in boxes),), dtype=boxes[0].dtype.type)


def _fitted(action: Any, space: gymnasium.Space[Any]) -> Any:
    if isinstance(space, Discrete):
        return int(space.start) + int(action) % int(space.n)
    assert space.shape is not None
    return action[: space.shape[0]]
