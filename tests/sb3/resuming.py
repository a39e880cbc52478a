"""Runs of any algorithm that are cut down at a step, and what two runs left that ought to be the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
from training import are_equal

from plastic_rl.optim import ContinualBackprop
from plastic_rl.runs import RunFolder, read_metrics, seed_everything
from plastic_rl.sb3 import plastic, train_model

CLOCKS = ("t", "t_start", "episode_times", "metrics", "tracker")
NOT_OURS = ("python",)  # beartype, which checks types in the tests, draws from Python's own generator
NEVER = 10**9
EAGER = partial(ContinualBackprop, replacement_rate=0.05, maturity_threshold=2)


class CutDown(BaseException):
    """The end of a process at any moment, as far as the process itself sees it."""


class Mortal(gymnasium.Wrapper):
    """A world in which the process ends at a step."""

    def __init__(self, env: gymnasium.Env, dies_at: int) -> None:
        super().__init__(env)
        self.dies_at, self.steps = dies_at, 0

    def step(self, action: Any) -> Any:
        self.steps += 1
        if self.steps == self.dies_at:
            raise CutDown
        return super().step(action)

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]


def made(
    algorithm: type[BaseAlgorithm],
    world: Callable[[], gymnasium.Env],
    *,
    dies_at: int = NEVER,
    copies: int = 1,
    normalized: bool = False,
    policy: str = "MlpPolicy",
    policy_kwargs: dict[str, Any] | None = None,
    **settings: Any,
) -> Any:
    """A small plastic model in a world that ends the process after some steps of each copy."""
    seed_everything(0)
    env: Any = DummyVecEnv([lambda: Monitor(Mortal(world(), dies_at))] * copies)
    env = VecNormalize(env) if normalized else env
    kwargs = {"net_arch": [4], **(policy_kwargs or {})}
    settings = {"plasticity": EAGER, "seed": 0, "device": "cpu", **settings}
    return plastic(algorithm)(policy, env, policy_kwargs=kwargs, **settings)


def left_by(path: Path, make: Callable[..., Any], steps: int, dies_at: int = NEVER, **options: Any) -> dict[str, Any]:
    """All that two runs must have in common when they are over: the last checkpoint, replay buffer and metrics."""
    model = make(dies_at=dies_at)
    train_model(model, steps, RunFolder(path), checkpoint_seconds=0.0, **options)
    found = RunFolder(path).checkpoints.latest()
    assert found is not None
    replay = getattr(model, "replay_buffer", None)
    arrays = {} if replay is None else {name: value for name, value in vars(replay).items() if name not in OF_NO_RUN}
    return {"state": without(found[1], *CLOCKS, *NOT_OURS), "buffer": arrays, "lines": lines_of(path)}


OF_NO_RUN = ("env", "device", "observation_space", "action_space", "goal_selection_strategy", "infos")


def is_same(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Whether two runs left the same, bit for bit."""
    parts = [are_equal(first[name], second[name]) for name in ("state", "lines")]
    return all(parts) and same_arrays(first["buffer"], second["buffer"])


def same_arrays(first: Any, second: Any) -> bool:
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same_arrays(first[name], second[name]) for name in first)
    return first.tobytes() == second.tobytes() if hasattr(first, "tobytes") else first == second


def without(state: Any, *names: str) -> Any:
    """A state without what goes by some names, such as the times by the clock on the wall, which Monitor keeps."""
    if isinstance(state, dict):
        return {name: without(value, *names) for name, value in state.items() if name not in names}
    return type(state)(without(each, *names) for each in state) if isinstance(state, list | tuple) else state


def lines_of(path: Path) -> list[dict[str, Any]]:
    lines = read_metrics(path / "metrics.jsonl")
    return [{name: value for name, value in line.items() if not name.startswith("time/")} for line in lines]
