"""Steps of the lean loop, past known wrappers and of all copies at once: nothing differs, in the copies neither."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.wrappers import TimeLimit, TransformObservation, TransformReward
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

import plastic_rl.nonstationary  # noqa: F401 -- registers the ids
from plastic_rl.nonstationary import (
    ActionGain,
    DelayObservations,
    Every,
    Nonstationary,
    ObservationNoise,
    PermuteObservations,
    ScaleReward,
)
from plastic_rl.nonstationary.values import Listed, UniformValues
from plastic_rl.sb3.lean.stepping import CopiesAtOnce, CopiesInTurn, step_of
from plastic_rl.sb3.vec_env_state import vec_env_state
from tests.sb3.training import are_equal

COPIES = 5


def world(name: str, **settings: Any) -> gymnasium.Env[Any, Any]:
    return Monitor(gymnasium.make(f"plastic_rl/{name}-v0", change_every=150, copies=COPIES, **settings))


def changed(*changes: Any, env: str = "Pendulum-v1", at: str = "step") -> gymnasium.Env[Any, Any]:
    inner = gymnasium.make(env, max_episode_steps=30)
    return TimeLimit(Nonstationary(inner, list(changes), Every(150, at=at), copies=COPIES), 20)


WORLDS: dict[str, tuple[type[Any], Callable[[], gymnasium.Env[Any, Any]]]] = {
    "plain": (CopiesAtOnce, lambda: gymnasium.make("CartPole-v1")),
    "bare": (CopiesAtOnce, lambda: gymnasium.make("CartPole-v1").unwrapped),
    "an offset, its reward scaled": (
        CopiesAtOnce,
        lambda: TransformReward(world("NoisyCartPole", max_episode_steps=25), lambda reward: float(reward) * 0.5),
    ),
    "other physics": (CopiesAtOnce, partial(world, "ShiftingCartPole")),
    "acrobot": (CopiesAtOnce, partial(world, "NoisyAcrobot", max_episode_steps=25)),
    "mountain car": (CopiesAtOnce, partial(world, "NoisyMountainCar", max_episode_steps=25)),
    "permuted": (CopiesAtOnce, partial(world, "PermutedPendulum", max_episode_steps=25)),
    "changes of all kinds, at once": (
        CopiesAtOnce,
        lambda: changed(
            *(PermuteObservations(), ObservationNoise(Listed([0.1, 0.3])), DelayObservations(Listed([1, 2]))),
            *(ScaleReward(Listed([1, -1])), ActionGain(UniformValues(0.2, 2.0))),
        ),
    ),
    "a chain": (CopiesInTurn, partial(world, "ClassicChain")),
    "a wrapper that is not known": (
        CopiesInTurn,
        lambda: TransformObservation(gymnasium.make("CartPole-v1"), lambda seen: seen, None),
    ),
}


@pytest.mark.parametrize("name", WORLDS)
def test_steps_are_those_of_stable_baselines_bit_for_bit(name: str):
    kind, make = WORLDS[name]
    ours, theirs = (DummyVecEnv([make] * COPIES) for _ in range(2))
    for venv in (ours, theirs):
        venv.seed(3)
        venv.reset()
    step: Any = step_of(ours)
    assert type(step.__self__) is kind
    generator, ends = np.random.default_rng(0), 0
    for _ in range(90):
        actions = _actions(ours.action_space, generator)
        mine, its = step(actions), theirs.step(actions)
        ends += its[2].sum()
        _assert_equal(mine, its)
    assert ends > 0 or name in {"a chain"}
    # Whatever is looked up in the copies, or saved of them.
    assert are_equal(*(_without_times(vec_env_state(venv)) for venv in (ours, theirs)))


def _without_times(state: Any) -> Any:
    if isinstance(state, dict):
        return {key: _without_times(each) for key, each in state.items() if key not in ("t_start", "episode_times")}
    return [_without_times(each) for each in state] if isinstance(state, list | tuple) else state


def _actions(space: Any, generator: np.random.Generator) -> np.ndarray:
    if isinstance(space, gymnasium.spaces.Discrete):
        return generator.integers(0, space.n, COPIES)
    return generator.uniform(-2, 2, (COPIES, 1)).astype(np.float32)


def _assert_equal(mine: Any, its: Any) -> None:
    for one, other in zip(mine[:3], its[:3], strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
    for info in (*mine[3], *its[3]):
        info.get("episode", {}).pop("t", None)
    assert str(mine[3]) == str(its[3])


def test_a_vector_of_another_kind_or_with_a_step_of_its_own_is_stepped_by_itself():
    plain = make_vec_env("CartPole-v1", COPIES, seed=3)
    for venv in (VecNormalize(plain), plain):
        if venv is plain:
            venv.step_wait = lambda: "mine"  # type: ignore[method-assign]
        venv.reset()
        assert step_of(venv) == venv.step
    assert step_of(plain)(np.zeros(COPIES, int)) == "mine"


def test_a_wrapper_with_a_step_of_its_own_or_an_environment_with_one_is_called():
    for depth, kind in ((1, CopiesInTurn), (4, CopiesInTurn)):
        venv = make_vec_env("CartPole-v1", COPIES, seed=3)
        layer: Any = venv.envs[0]
        for _ in range(depth):
            layer = layer.env
        called, step_of_layer = list[Any](), layer.step
        layer.step = lambda action, step=step_of_layer, called=called: called.append(action) or step(action)
        venv.reset()
        step: Any = step_of(venv)
        assert type(step.__self__) is kind
        for _ in range(4):
            step(np.zeros(COPIES, int))
        assert len(called) == 4


def test_a_monitor_that_waits_for_a_reset_refuses_a_step():
    venv = make_vec_env("CartPole-v1", COPIES, seed=3)
    venv.reset()
    step = step_of(venv)
    for _ in range(3):
        step(np.zeros(COPIES, int))
    venv.envs[1].needs_reset = True  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError, match="needs reset"):
        step(np.zeros(COPIES, int))
    assert isinstance(venv.envs[1].env, TimeLimit)
