"""A VecNormalize that forgets: numbers worked out by hand; saved, read and resumed as SB3's own."""

from functools import partial

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict
from stable_baselines3 import PPO
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
from training import learn_in

from agents.ppo import PPO as PPOSettings
from agents.ppo_fresh import PPOFresh
from envs.pixel_permuted_catch import PixelPermutedCatch
from plastic_rl.errors import UserError
from plastic_rl.nonstationary import Every, Nonstationary, PermuteObservations
from plastic_rl.runs import seed_everything
from plastic_rl.sb3 import ForgettingMeanStd, ForgettingNormalize
from plastic_rl.sb3.saved_normalisation import read_normalisation

SMALL = {"rollout_steps": 64, "minibatch_size": 32, "epochs": 1, "hidden_units": 8}


def world():
    return Monitor(Nonstationary(gymnasium.make("CartPole-v1"), PermuteObservations(), Every(100), copies=2))


def worlds():
    env = DummyVecEnv([world] * 2)
    env.seed(0)
    return env


def test_moments_are_weighted_by_age_and_the_beginning_is_not_drawn_to_zero():
    statistics = ForgettingMeanStd(0.5)
    statistics.count = 0.0  # without SB3's ten-thousandth of an observation of 0 and a variance of 1
    for number in (4.0, 1.0, 6.0):
        statistics.update(np.array([number]))
    # Weights 1/4, 1/2, 1.
    assert statistics.mean == pytest.approx(7.5 / 1.75)
    assert statistics.var == pytest.approx(40.5 / 1.75 - (7.5 / 1.75) ** 2)
    assert statistics.count == 1.75
    statistics.update(np.array([2.0, 2.0]))  # two copies step at once: two steps of the run
    assert statistics.count == 1.75 / 4 + 2
    assert statistics.mean == pytest.approx((7.5 / 4 + 4) / (1.75 / 4 + 2))
    assert (statistics.copy().decay, statistics.copy().mean) == (0.5, statistics.mean)


def test_with_a_decay_of_one_it_is_stable_baselines3s():
    ours, theirs = ForgettingMeanStd(1.0, (2,)), RunningMeanStd(shape=(2,))
    for _ in range(10):
        batch = np.random.default_rng(0).normal(3, 2, (4, 2))
        ours.update(batch)
        theirs.update(batch)
    assert [ours.mean.tolist(), ours.var.tolist(), ours.count] == [
        theirs.mean.tolist(), theirs.var.tolist(), theirs.count,
    ]  # fmt: skip


def test_observations_are_normalised_by_what_was_seen_of_late_and_clipped():
    env = ForgettingNormalize(worlds(), decay=0.9, norm_reward=False, clip_obs=1.0)
    shown = [env.reset()]
    shown += [env.step(np.array([0, 1]))[0] for _ in range(50)]
    assert np.abs(shown).max() == 1.0
    seen = env.get_original_obs()
    expected = (seen - env.obs_rms.mean) / np.sqrt(env.obs_rms.var + 1e-8)
    np.testing.assert_allclose(shown[-1], expected.clip(-1, 1), rtol=1e-6)
    assert env.obs_rms.count == pytest.approx(2 * sum(0.81**age for age in range(51)), rel=1e-3)


class Named(gymnasium.ObservationWrapper):
    """CartPole in two parts."""

    def __init__(self):
        super().__init__(gymnasium.make("CartPole-v1"))
        self.observation_space = Dict({name: Box(-np.inf, np.inf, (2,)) for name in ("cart", "pole")})

    def observation(self, observation):
        return {"cart": observation[:2], "pole": observation[2:]}


def test_each_part_of_a_dict_has_statistics_that_forget():
    env = ForgettingNormalize(DummyVecEnv([Named]), decay=0.5)
    env.reset()
    env.step(np.array([0]))
    assert {part: type(each) for part, each in env.obs_rms.items()} == dict.fromkeys(
        ("cart", "pole"), ForgettingMeanStd
    )
    assert env.ret_rms.count == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("decay", [0.0, 1.01])
def test_a_decay_out_of_its_range_is_refused(decay):
    with pytest.raises(ValueError, match="decay must be above 0 and at most 1"):
        ForgettingNormalize(worlds(), decay=decay)


@pytest.mark.parametrize("recipe", [PPOSettings, PPOFresh])
def test_an_agents_run_in_parts_is_the_run_in_one_and_its_statistics_stay_with_the_model(tmp_path, recipe):
    def model():
        seed_everything(0)
        return recipe(normalize_inputs=0.99, **SMALL).build(worlds(), seed=0, device="cpu")

    whole = learn_in(tmp_path / "whole", model(), 256)
    for steps in (128, 256):
        parts = learn_in(tmp_path / "parts", model(), steps, checkpoint_seconds=0.0)
    for one, other in zip(whole.policy.parameters(), parts.policy.parameters(), strict=True):
        assert torch.equal(one, other)
    for name in ("mean", "var", "count"):
        assert np.array_equal(getattr(whole.env.obs_rms, name), getattr(parts.env.obs_rms, name))
    file = tmp_path / "whole" / "vecnormalize.pkl"
    loaded, seen = VecNormalize.load(str(file), worlds()), whole.env.get_original_obs()
    assert (type(loaded), loaded.decay) == (ForgettingNormalize, 0.99)
    np.testing.assert_array_equal(loaded.normalize_obs(seen), whole.env.normalize_obs(seen))
    np.testing.assert_array_equal(read_normalisation(file)(seen), whole.env.normalize_obs(seen))


def test_images_and_nothing_are_left_as_they_are():
    env = worlds()
    assert PPOSettings(**SMALL).build(env, seed=0, device="cpu").env is env
    with pytest.raises(UserError, match=r"agent\.normalize_inputs=0\.9 is for vectors: images"):
        PPOSettings(normalize_inputs=0.9, **SMALL).build(PixelPermutedCatch().make(0), seed=0, device="cpu")
    plain = partial(PPO, "MlpPolicy", n_steps=64, device="cpu")
    assert plain(env).get_vec_normalize_env() is None
