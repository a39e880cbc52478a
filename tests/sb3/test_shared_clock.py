"""Copies of a changing world that were made for another number of copies are told of, or refused."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import SubprocVecEnv, VecEnv, VecNormalize

from plastic_rl.errors import UserError
from plastic_rl.optim import ContinualBackprop
from plastic_rl.runs import RunFolder
from plastic_rl.sb3 import ChangeAnnouncements, PlasticityCallback, plastic, train_model
from plastic_rl.sb3.shared_clock import wrong_pace

WORLD = "plastic_rl.nonstationary:plastic_rl/PermutedCartPole-v0"
SMALL: dict[str, Any] = {"policy_kwargs": {"net_arch": [4]}, "device": "cpu"}
SMALL |= {"n_steps": 8, "batch_size": 8, "n_epochs": 1}


def worlds(number: int, copies: int, **settings: Any) -> VecEnv:
    return make_vec_env(WORLD, number, env_kwargs={"copies": copies}, **settings)


@pytest.mark.parametrize("number", [1, 4])
def test_the_right_number_of_copies_is_no_fault(number: int):
    assert wrong_pace(worlds(number, number)) is None


def test_worlds_that_never_change_have_no_pace():
    assert wrong_pace(make_vec_env("CartPole-v1", 3)) is None


@pytest.mark.parametrize("around", [lambda env: env, VecNormalize])
def test_the_wrong_number_is_named_with_what_to_write(around):
    fault = wrong_pace(around(worlds(4, 1)))
    assert fault is not None
    assert "4 copies of a changing world step together, but were made with copies=1" in fault
    assert "4/1 times as many steps" in fault
    assert "env_kwargs={'copies': 4}" in fault


def test_worlds_in_processes_of_their_own_are_asked_too():
    env = worlds(2, 1, vec_env_cls=SubprocVecEnv)
    try:
        assert "copies=2" in (wrong_pace(env) or "")
    finally:
        env.close()


def test_a_run_with_more_environments_than_the_world_was_made_for_is_refused_before_it_starts(tmp_path: Path):
    model, folder = PPO("MlpPolicy", worlds(4, 1), **SMALL), RunFolder(tmp_path / "run")
    folder.prepare(fresh=False)
    with pytest.raises(UserError, match="made with copies=1"):
        train_model(model, 64, folder)
    folder.release()
    assert not folder.metrics_file.exists()


@pytest.mark.parametrize(
    ("make", "callback"),
    [
        (partial(plastic(PPO), plasticity=partial(ContinualBackprop, maturity_threshold=5)), None),
        (PPO, ChangeAnnouncements()),
        (PPO, PlasticityCallback(verbose=0)),
    ],
    ids=["plastic", "ChangeAnnouncements", "PlasticityCallback"],
)
def test_ones_own_training_says_so_once(make, callback, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    model = make("MlpPolicy", worlds(1, 1), **SMALL)
    model.save(tmp_path / "model")
    kind = type(model)
    again = kind.load(tmp_path / "model", env=worlds(2, 1), device="cpu")  # as many resume: with more environments
    with caplog.at_level(logging.WARNING):
        model.learn(8, callback=callback)
        assert not caplog.records
        for _ in range(2):
            again.learn(16, callback=callback)
    assert [record.message for record in caplog.records if "made with copies=1" in record.message] == [
        wrong_pace(again.env) + "."
    ]
