"""One step of SB3's DummyVecEnv, without `copy.deepcopy` and known wrappers, which take longer than a small world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from plastic_rl.nonstationary.classic_control import BatchedClassic, batched_classic
from plastic_rl.sb3.lean.wrapping import Wrapping

Outcome = tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]
Step = Callable[[np.ndarray], Outcome]

# What nobody can change, and need not be copied.
_FIXED = frozenset({bool, int, float, complex, str, bytes, type(None), np.float32, np.float64, np.int64, np.bool_})


def step_of(env: VecEnv) -> Step:
    """The quickest way to step some copies of a world."""
    is_plain = type(env) is DummyVecEnv and isinstance(env.observation_space, spaces.Box)
    if not is_plain or {"step", "step_async", "step_wait", "_save_obs", "_obs_from_buf"} & vars(env).keys():
        return env.step  # pyright: ignore[reportReturnType]
    wrappings = [Wrapping(copy) for copy in env.envs]  # pyright: ignore[reportAttributeAccessIssue]
    in_turn = CopiesInTurn(env, wrappings)
    batch = (
        batched_classic([wrapping.base for wrapping in wrappings])
        if all(wrapping.is_known for wrapping in wrappings)
        else None
    )
    return in_turn.step if batch is None else CopiesAtOnce(env, wrappings, batch, in_turn).step


class Copies:
    """The copies of a DummyVecEnv, and what it keeps of their steps.

    Args:
        env: the vector.
        wrappings: the wrappers of each copy.
    """

    def __init__(self, env: Any, wrappings: Sequence[Wrapping]) -> None:
        self.env, self.wrappings = env, list(wrappings)

    def keep(self, place: int, outcome: tuple[Any, Any, bool, bool, dict[str, Any]]) -> None:
        """Keeps the outcome of one copy's step, and resets the copy if its episode is over."""
        env, (observation, reward, terminated, truncated, info) = self.env, outcome
        is_over = terminated or truncated
        env.buf_rews[place], env.buf_dones[place], env.buf_infos[place] = reward, is_over, info
        info["TimeLimit.truncated"] = truncated and not terminated
        if is_over:
            info["terminal_observation"] = observation
            observation, env.reset_infos[place] = env.envs[place].reset()
        env.buf_obs[None][place] = observation

    def kept(self, infos: list[dict[str, Any]]) -> Outcome:
        """The outcome that the vector returns of the step of all."""
        env = self.env
        return env.buf_obs[None].copy(), env.buf_rews.copy(), env.buf_dones.copy(), infos


class CopiesInTurn(Copies):
    """Copies that step one after another, past their wrappers where these are known."""

    def step(self, actions: np.ndarray) -> Outcome:
        """Steps each."""
        self.env.actions = actions
        for place, wrapping in enumerate(self.wrappings):
            if wrapping.is_known and wrapping.is_ready():
                within = wrapping.base.step(wrapping.action(actions[place]))
                self.keep(place, wrapping.outcome(*within))
            else:
                self.keep(place, wrapping.copy.step(actions[place]))
        return self.kept([copied(info) for info in self.env.buf_infos])


class CopiesAtOnce(Copies):
    """Copies of a classic-control world that step together.

    Args:
        env: the vector.
        wrappings: the wrappers of each copy, all known.
        batch: of the copies without them.
        in_turn: the same copies, for as long as wrappers want to see steps.
    """

    def __init__(self, env: Any, wrappings: Sequence[Wrapping], batch: BatchedClassic, in_turn: CopiesInTurn) -> None:
        super().__init__(env, wrappings)
        self.batch, self.in_turn, self.are_ready = batch, in_turn, False
        self.have_actions = any(wrapping.begins_steps or "action" in wrapping.hooks for wrapping in wrappings)

    def step(self, actions: np.ndarray) -> Outcome:
        """Steps all."""
        self.are_ready = self.are_ready or all(wrapping.is_ready() for wrapping in self.wrappings)
        if not self.are_ready:
            return self.in_turn.step(actions)
        self.env.actions = actions
        if self.have_actions:
            actions = np.stack(
                [wrapping.action(action) for wrapping, action in zip(self.wrappings, actions, strict=True)]
            )
        outcome = self.batch.step(actions)
        for place, (wrapping, seen, reward, terminated) in enumerate(zip(self.wrappings, *outcome, strict=True)):
            self.keep(place, wrapping.outcome(seen, reward, terminated, False, {}))
        return self.kept(list(self.env.buf_infos))  # as nobody writes over what was made for this step


def copied(value: Any) -> Any:
    """A copy of what a world tells of a step, so that it may write over its own."""
    kind = type(value)
    if kind in _FIXED:
        return value
    if kind is dict:
        return {name: copied(each) for name, each in value.items()}
    if kind is list:
        return [copied(each) for each in value]
    if kind is np.ndarray and not value.dtype.hasobject:
        return value.copy()
    return deepcopy(value)
