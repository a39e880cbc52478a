"""A vector environment taken up where it was left is the same vector environment."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv, VecFrameStack, VecMonitor, VecNormalize

from plastic_rl.errors import UserError
from plastic_rl.sb3.vec_env_state import restore_vec_env_state, vec_env_state

ID = "plastic_rl.nonstationary:plastic_rl/PermutedCartPole-v0"


def made(seed: int) -> VecEnv:
    venv = DummyVecEnv([lambda: gymnasium.make(ID, change_every=150, copies=3) for _ in range(3)])
    venv.seed(seed)
    return VecNormalize(VecFrameStack(VecMonitor(venv), n_stack=2))


def live(venv: VecEnv, steps: int) -> list[np.ndarray]:
    story = []
    for _ in range(steps):
        observations, rewards, dones, infos = venv.step(np.array([venv.action_space.sample() for _ in range(3)]))
        lengths = [info.get("episode", {"l": 0})["l"] for info in infos]
        story.append(np.column_stack([observations, rewards, dones, lengths, [i["task"]["index"] for i in infos]]))
    return story


def test_it_goes_on_bit_for_bit(tmp_path):
    venv, fresh = made(seed=1), made(seed=99)
    venv.action_space.seed(1)
    venv.reset()
    live(venv, 40)
    torch.save(vec_env_state(venv), tmp_path / "state.pt")
    story = live(venv, 120)
    restore_vec_env_state(fresh, torch.load(tmp_path / "state.pt", weights_only=True))
    np.testing.assert_array_equal(live(fresh, 120), story)
    assert np.array(story)[-1, :, -1].min() >= 2, "tasks have changed since"


def test_statistics_of_dict_observations_come_back():
    class Named(gymnasium.ObservationWrapper):
        def __init__(self, env: gymnasium.Env) -> None:
            super().__init__(env)
            self.observation_space = gymnasium.spaces.Dict({"cart": env.observation_space})

        def observation(self, observation):
            return {"cart": observation}

    def named() -> VecNormalize:
        return VecNormalize(make_vec_env("CartPole-v1", wrapper_class=Named, seed=0))

    venv, fresh = named(), named()
    venv.reset()
    for _ in range(30):
        venv.step(np.array([1]))
    restore_vec_env_state(fresh, vec_env_state(venv))
    assert isinstance(fresh.obs_rms, dict)
    np.testing.assert_array_equal(fresh.obs_rms["cart"].mean, venv.obs_rms["cart"].mean)
    assert fresh.obs_rms["cart"].count == venv.obs_rms["cart"].count > 30


def test_environments_in_other_processes_are_refused():
    venv = make_vec_env("CartPole-v1", vec_env_cls=SubprocVecEnv)
    try:
        with pytest.raises(UserError, match="SubprocVecEnv cannot be saved"):
            vec_env_state(venv)
    finally:
        venv.close()
