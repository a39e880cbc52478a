"""One step of SB3's DummyVecEnv, without `copy.deepcopy` and known wrappers, which take longer than a small world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from plastic_rl.nonstationary.classic_control import BatchedClassic, batched_classic
from plastic_rl.sb3.lean.chains import Chain

Outcome = tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]
Step = Callable[[np.ndarray], Outcome]

# What nobody can change, and need not be copied.
_FIXED = frozenset({bool, int, float, complex, str, bytes, type(None), np.float32, np.float64, np.int64, np.bool_})


def step_of(env: VecEnv) -> Step:
    """The quickest way to step some copies of a world."""
    is_plain = type(env) is DummyVecEnv and isinstance(env.observation_space, spaces.Box)
    if not is_plain or {"step", "step_async", "step_wait", "_save_obs", "_obs_from_buf"} & vars(env).keys():
        return env.step  # pyright: ignore[reportReturnType]
    chains = [Chain(copy) for copy in env.envs]  # pyright: ignore[reportAttributeAccessIssue]
    in_turn = CopiesInTurn(env, chains)
    batch = batched_classic([chain.base for chain in chains]) if all(chain.is_known for chain in chains) else None
    return in_turn.step if batch is None else CopiesAtOnce(env, chains, batch, in_turn).step


class Copies:
    """The copies of a DummyVecEnv, and what it keeps of their steps.

    Args:
        env: the vector.
        chains: the wrappers of each copy.
    """

    def __init__(self, env: Any, chains: Sequence[Chain]) -> None:
        self.env, self.chains = env, list(chains)
        self.seen = env.buf_obs[None]

    def keep(self, place: int, outcome: tuple[Any, Any, bool, bool, dict[str, Any]]) -> None:
        """Keeps the outcome of one copy's step, and resets the copy if its episode is over."""
        env, (observation, reward, terminated, truncated, info) = self.env, outcome
        is_over = terminated or truncated
        env.buf_rews[place], env.buf_dones[place], env.buf_infos[place] = reward, is_over, info
        info["TimeLimit.truncated"] = truncated and not terminated
        if is_over:
            info["terminal_observation"] = observation
            observation, env.reset_infos[place] = env.envs[place].reset()
        self.seen[place] = observation

    def kept(self, infos: list[dict[str, Any]]) -> Outcome:
        """What the vector returns of the step of all."""
        return self.seen.copy(), self.env.buf_rews.copy(), self.env.buf_dones.copy(), infos


class CopiesInTurn(Copies):
    """Copies that step one after another, past their wrappers where these are known."""

    def step(self, actions: np.ndarray) -> Outcome:
        """Steps each."""
        self.env.actions = actions
        for place, chain in enumerate(self.chains):
            if chain.is_known and chain.is_ready():
                within = chain.base.step(chain.action(actions[place]))
                self.keep(place, chain.outcome(*within))
            else:
                self.keep(place, chain.copy.step(actions[place]))
        return self.kept([copied(info) for info in self.env.buf_infos])


class CopiesAtOnce(Copies):
    """Copies of a classic-control world that step together.

    Args:
        env: the vector.
        chains: the wrappers of each copy, all known.
        batch: of the copies without them.
        in_turn: the same copies, for as long as wrappers want to see steps.
    """

    def __init__(self, env: Any, chains: Sequence[Chain], batch: BatchedClassic, in_turn: CopiesInTurn) -> None:
        super().__init__(env, chains)
        self.batch, self.in_turn, self.are_ready = batch, in_turn, False
        self.have_actions = any(chain.begins_steps or "action" in chain.hooks for chain in chains)

    def step(self, actions: np.ndarray) -> Outcome:
        """Steps all."""
        self.are_ready = self.are_ready or all(chain.is_ready() for chain in self.chains)
        if not self.are_ready:
            return self.in_turn.step(actions)
        self.env.actions = actions
        if self.have_actions:
            actions = np.stack([chain.action(action) for chain, action in zip(self.chains, actions, strict=True)])
        outcome = self.batch.step(actions)
        for place, (chain, seen, reward, terminated) in enumerate(zip(self.chains, *outcome, strict=True)):
            self.keep(place, chain.outcome(seen, reward, terminated, False, {}))
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
