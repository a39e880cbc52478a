"""The control that keeps nothing: after a change the agent is the one that a seed of its own builds."""

from functools import partial

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
from training import EAGER, learn_in

from agents.ppo_fresh import PPOFresh
from plastic_rl.nonstationary import Cycle, Every, Nonstationary, PermuteObservations
from plastic_rl.optim import L2Init, Stack, methods_in
from plastic_rl.runs import random_state, seed_everything
from plastic_rl.sb3 import ChangeAnnouncements, fresh_at_changes, plastic, seed_of_agent
from plastic_rl.sb3.fresh_agent import start_over

SMALL = {"n_steps": 32, "batch_size": 32, "n_epochs": 1, "policy_kwargs": {"net_arch": [8]}, "device": "cpu"}


def world(schedule):
    return Monitor(Nonstationary(gymnasium.make("CartPole-v1"), PermuteObservations(), schedule, copies=2))


def worlds(schedule=None):
    env = DummyVecEnv([partial(world, schedule or Every(100))] * 2)
    env.seed(3)
    return env


def built(env, *, seed, **settings):
    return plastic(PPO)("MlpPolicy", env, seed=seed, **{**SMALL, **settings})


def fresh_model(env=None, make=built):
    seed_everything(0)
    model = make(worlds() if env is None else env, seed=0)
    fresh_at_changes(model, make)
    return model


def equal(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


class Beginnings(BaseCallback):
    """Notes parameters and optimiser as they are when a rollout begins, and how many changes were told by then."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def _on_step(self):
        return True

    def _on_rollout_start(self):
        optimizer = self.model.policy.optimizer
        copy = {name: value.clone() for name, value in self.model.policy.state_dict().items()}
        self.seen.append((optimizer.memory["times"], copy, len(optimizer.state)))


def test_after_each_change_weights_are_those_of_a_named_seed_and_the_optimiser_remembers_nothing():
    model, beginnings = fresh_model(), Beginnings()
    model.learn(512, callback=CallbackList([ChangeAnnouncements(), beginnings]))
    times = [times for times, _, _ in beginnings.seen]
    assert times[-1] >= 3
    for changes in range(1, times[-1] + 1):
        _, weights, remembered = beginnings.seen[times.index(changes)]
        new = built(worlds(), seed=seed_of_agent(0, changes))
        assert equal(weights, dict(new.policy.state_dict()))
        assert remembered == 0
    assert beginnings.seen[times.index(1) - 1][2] > 0


def test_the_seeds_of_agents_are_numbers_that_can_be_named_and_the_first_is_the_runs():
    assert [seed_of_agent(7, changes) for changes in range(3)] == [7, 369571992, 1009178997]
    assert len({seed_of_agent(seed, changes) for seed in range(20) for changes in range(20)}) == 400


def test_the_recipe_draws_each_agent_as_it_drew_the_first():
    agent = PPOFresh(rollout_steps=64, minibatch_size=32, epochs=1, hidden_units=8)
    model = agent.build(worlds(), seed=0, device="cpu")
    model.learn(64)
    start_over(model, partial(super(PPOFresh, agent).build, device="cpu"), 2)
    new = agent.build(worlds(), seed=seed_of_agent(0, 2), device="cpu")
    assert equal(dict(model.policy.state_dict()), dict(new.policy.state_dict()))
    assert all((layer.bias == 0).all() for layer in model.policy.modules() if isinstance(layer, torch.nn.Linear))


def test_methods_forget_too_what_they_kept_of_the_old_weights_above_all():
    make = partial(built, plasticity=Stack((EAGER, L2Init)))
    model = fresh_model(make=make)
    model.learn(256)
    optimizer = model.policy.optimizer
    assert optimizer.metrics()["cbp/replaced"] > 0
    optimizer.begin_task()
    new = make(worlds(), seed=seed_of_agent(0, 1))
    for method, fresh in zip(methods_in(optimizer.optimizer), methods_in(new.policy.optimizer), strict=True):
        assert equal(method.state_dict(), fresh.state_dict())
    (l2_init, *_) = methods_in(optimizer.optimizer)
    assert equal(list(l2_init.memory["start"]), [weight.detach() for weight in model.policy.parameters()])


def test_running_statistics_begin_with_what_is_seen_at_the_change():
    model = fresh_model(VecNormalize(worlds()))
    model.learn(64)
    wrapper, seen = model.env, model.env.get_original_obs()
    clock = wrapper.get_attr("run_clock")[0].now
    model.policy.optimizer.begin_task()
    assert wrapper.obs_rms.count == pytest.approx(2, abs=1e-3)
    np.testing.assert_allclose(wrapper.obs_rms.mean, seen.mean(0), rtol=1e-3)
    np.testing.assert_array_equal(model._last_obs, wrapper.normalize_obs(seen))
    assert (wrapper.ret_rms.count, wrapper.returns.tolist()) == (1e-4, [0, 0])
    assert wrapper.get_attr("run_clock")[0].now == clock


def test_statistics_that_are_frozen_stay():
    model = fresh_model(VecNormalize(worlds(), training=False))
    model.env.obs_rms.count = 5.0
    model.policy.optimizer.begin_task()
    assert model.env.obs_rms.count == 5.0


def test_a_fresh_agent_draws_from_no_generator_that_others_use():
    model = fresh_model()
    before = random_state()
    model.policy.optimizer.begin_task()
    assert equal(before, random_state())
    assert model.env.action_space.sample() == fresh_model().env.action_space.sample()


def test_a_run_in_parts_is_the_run_in_one(tmp_path):
    def model():
        return fresh_model(VecNormalize(worlds(Cycle(Every(90), 2))))

    whole = learn_in(tmp_path / "whole", model(), 512)
    for steps in (64, 128, 192, 256, 512):
        parts = learn_in(tmp_path / "parts", model(), steps, checkpoint_seconds=0.0)
    assert parts.policy.optimizer.metrics() == whole.policy.optimizer.metrics()
    assert whole.policy.optimizer.metrics()["fresh/times"] > 2  # a task that returns is met by another agent
    assert equal(whole.get_parameters(), parts.get_parameters())
    assert PPO.load(tmp_path / "whole" / "model.zip").policy.optimizer.param_groups


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: SAC("MlpPolicy", "Pendulum-v1", seed=0), TypeError, "on-policy ones such as PPO; got SAC"),
        (lambda: PPO("MlpPolicy", "CartPole-v1"), ValueError, "it has none: give seed=0"),
    ],
)
def test_what_cannot_start_from_scratch_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        fresh_at_changes(make(), built)
