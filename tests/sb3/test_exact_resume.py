"""Every algorithm, cut down at any step: the run that goes on leaves what the run without a stop leaves."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import sb3_contrib
import stable_baselines3
from gymnasium.spaces import Box, Dict
from resuming import CutDown, is_same, left_by, made
from stable_baselines3.common.envs import BitFlippingEnv
from stable_baselines3.common.noise import NormalActionNoise, OrnsteinUhlenbeckActionNoise
from stable_baselines3.her import HerReplayBuffer

from plastic_rl.errors import UserError
from plastic_rl.sb3 import instruments, keeper
from plastic_rl.sb3.algorithm_state import algorithm_state, restore_algorithm_state
from plastic_rl.sb3.network_metrics import NetworkMetrics
from plastic_rl.sb3.replay import replay_log
from plastic_rl.sb3.rollout_state import RECORDED, restore_rollout_state, rollout_state

# A buffer that is full, and overwritten, before the run is over.
OFF_POLICY: dict[str, Any] = {"learning_starts": 4, "batch_size": 4, "buffer_size": 8}
DISCRETE = {**OFF_POLICY, "train_freq": 1, "target_update_interval": 5, "exploration_fraction": 0.5}
NOISE = OrnsteinUhlenbeckActionNoise(np.zeros(1), np.full(1, 0.3))
ON_POLICY = {"n_steps": 4}
STEPS = 20


def pendulum() -> gymnasium.Env:
    return gymnasium.make("Pendulum-v1")


def swings() -> gymnasium.Env:
    return gymnasium.make("Pendulum-v1", max_episode_steps=5)


def cartpole() -> gymnasium.Env:
    return gymnasium.make("CartPole-v1")


def bits() -> gymnasium.Env:
    return BitFlippingEnv(n_bits=3, max_steps=3)


class Named(gymnasium.ObservationWrapper):
    """A world whose observations have names."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        self.observation_space = Dict({"angle": Box(-1, 1, (2,)), "speed": Box(-8, 8, (1,))})

    def observation(self, observation: np.ndarray) -> dict[str, np.ndarray]:
        return {"angle": observation[:2], "speed": observation[2:]}


def named() -> gymnasium.Env:
    return Named(pendulum())


ALGORITHMS: dict[str, Callable[..., Any]] = {
    "SAC": partial(made, stable_baselines3.SAC, pendulum, copies=2, normalized=True, **OFF_POLICY),
    "TD3": partial(made, stable_baselines3.TD3, pendulum, copies=2, action_noise=NOISE, **OFF_POLICY),
    "DQN": partial(made, stable_baselines3.DQN, cartpole, **DISCRETE),
    "TQC": partial(made, sb3_contrib.TQC, pendulum, plasticity=None, **OFF_POLICY),
    "QRDQN": partial(made, sb3_contrib.QRDQN, cartpole, policy_kwargs={"n_quantiles": 3}, **DISCRETE),
    "CrossQ": partial(made, sb3_contrib.CrossQ, pendulum, **OFF_POLICY),
    "A2C": partial(made, stable_baselines3.A2C, cartpole, copies=2, **ON_POLICY),
    "RecurrentPPO": partial(
        made,
        sb3_contrib.RecurrentPPO,
        cartpole,
        copies=2,
        policy="MlpLstmPolicy",
        policy_kwargs={"lstm_hidden_size": 3},
        batch_size=4,
        n_epochs=1,
        **ON_POLICY,
    ),
}
VARIANTS: dict[str, Callable[..., Any]] = {
    "HER": partial(
        made,
        stable_baselines3.DQN,
        bits,
        policy="MultiInputPolicy",
        replay_buffer_class=HerReplayBuffer,
        plasticity=None,
        **DISCRETE,
    ),
    "gSDE": partial(made, stable_baselines3.SAC, pendulum, use_sde=True, plasticity=None, train_freq=3, **OFF_POLICY),
    "gSDE on-policy": partial(
        made, stable_baselines3.PPO, pendulum, use_sde=True, plasticity=None, batch_size=4, n_epochs=1, **ON_POLICY
    ),
}
MORE: dict[str, Callable[..., Any]] = {
    "DDPG": partial(made, stable_baselines3.DDPG, pendulum, action_noise=NOISE, **OFF_POLICY),
    "n-step": partial(made, stable_baselines3.SAC, pendulum, n_steps=3, **OFF_POLICY),
    "named observations": partial(made, stable_baselines3.SAC, named, policy="MultiInputPolicy", **OFF_POLICY),
    "one array of observations": partial(
        made,
        stable_baselines3.DQN,
        cartpole,
        optimize_memory_usage=True,
        replay_buffer_kwargs={"handle_timeout_termination": False},
        **DISCRETE,
    ),
    "whole episodes": partial(made, stable_baselines3.SAC, swings, train_freq=(1, "episode"), **OFF_POLICY),
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row in each file, a checkpoint every few steps, no waiting for the disk, and no pictures."""
    monkeypatch.setattr(replay_log, "FILE_BYTES", 1)
    monkeypatch.setattr(keeper, "PAUSE", 3)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr(import_module("plastic_rl.sb3.train_model"), "draw_learning_curve", lambda *arguments: None)


class NothingMeasured(NetworkMetrics):
    """In place of the metrics of networks, most of whose time goes into finding layers."""

    def __init__(self, model: Any, samples: int | None = None) -> None:
        self.model, self.samples, self.slots, self.layers, self.kinds = model, samples, [], [], {}

    def measure(self, **settings: Any) -> dict[str, int | float]:
        return {}


@pytest.mark.parametrize("name", [*ALGORITHMS, *VARIANTS])
def test_a_run_that_is_cut_down_goes_on_as_if_nothing_had_happened(tmp_path: Path, name: str, monkeypatch):
    monkeypatch.setattr(instruments, "NetworkMetrics", NothingMeasured)
    make = {**ALGORITHMS, **VARIANTS}[name]
    whole = left_by(tmp_path / "whole", make, STEPS)
    cut_down(tmp_path / "cut", make, at=9)
    assert is_same(whole, left_by(tmp_path / "cut", make, STEPS))


def cut_down(path: Path, make: Callable[..., Any], at: int) -> None:
    with pytest.raises(CutDown):
        left_by(path, make, STEPS, at)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", [*ALGORITHMS, *VARIANTS, *MORE])
def test_a_run_that_is_cut_down_twice_at_any_steps_goes_on_as_if_nothing_had_happened(tmp_path: Path, name: str):
    make = {**ALGORITHMS, **VARIANTS, **MORE}[name]
    whole = left_by(tmp_path / "whole", make, STEPS)
    for at in range(1, 10):
        cut_down(tmp_path / str(at), make, at)
        if at < 9:
            cut_down(tmp_path / str(at), make, at + 1)
        assert is_same(whole, left_by(tmp_path / str(at), make, STEPS)), at


def begun() -> Any:
    """A model on its way into its loop."""
    model = ALGORITHMS["DQN"]()
    model._setup_learn(STEPS)
    return model


def test_a_model_that_was_loaded_draws_first_actions_from_a_space_of_its_own():
    model = begun()
    model.action_space = copy.deepcopy(model.action_space)
    state = algorithm_state(model)
    drawn = [model.action_space.sample() for _ in range(20)]
    restore_algorithm_state(model, state)
    assert [model.action_space.sample() for _ in range(20)] == drawn


def test_what_was_recorded_and_not_yet_written_is_kept():
    model = begun()
    model.logger.record("loss/actor", np.float32(2.5), exclude="tensorboard")
    model.logger.record_mean("mean", 1.0)
    model.logger.record("picture", object())
    state = rollout_state(model)
    for name in RECORDED:
        vars(model.logger)[name].clear()
    restore_rollout_state(model, state, has_begun=True)
    assert dict(model.logger.name_to_value) == {"loss/actor": 2.5, "mean": 1.0}
    assert dict(model.logger.name_to_count) == {"mean": 1}
    assert model.logger.name_to_excluded["loss/actor"] == ("tensorboard",)


class Moody(NormalActionNoise):
    """Noise that keeps what no checkpoint can hold."""

    def __init__(self) -> None:
        super().__init__(np.zeros(1), np.ones(1))
        self.mood = object()


def test_action_noise_that_cannot_be_saved_is_named():
    model = ALGORITHMS["TD3"](action_noise=Moody(), copies=1)
    model._setup_learn(STEPS)
    with pytest.raises(UserError, match=r"the action noise cannot be saved: Moody.mood holds builtins.object"):
        rollout_state(model)
