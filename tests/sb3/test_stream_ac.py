"""Streaming control: each step counts once, traces, scaling, runs resume bit for bit, it learns, what it refuses."""

import json

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv
from torch import nn

from plastic_rl.networks.sparse_init import sparse_init_
from plastic_rl.optim.step_sizes import IntentionalUpdates, ObGD
from plastic_rl.runs import RunFolder
from plastic_rl.sb3 import StreamAC, train_model
from plastic_rl.sb3.streaming_policy import RewardScaling, ScaledObservations


class Images(gymnasium.Env):
    """A world that is seen, and never entered."""

    observation_space = spaces.Box(0, 255, (3, 36, 36), np.uint8)
    action_space = spaces.Discrete(2)


def make(env="CartPole-v1", *, copies=1, **settings):
    worlds = DummyVecEnv([lambda: Monitor(gymnasium.make(env)) for _ in range(copies)])
    return StreamAC("MlpPolicy", worlds, seed=0, device="cpu", **{"n_steps": 20, **settings})


def test_each_unit_begins_with_few_inputs_but_one_at_least():
    for inputs, kept in ((100, 10), (4, 1), (1, 1)):
        layer = nn.Linear(inputs, 30)
        sparse_init_(layer, 0.9)
        assert (layer.weight != 0).sum(1).tolist() == [kept] * 30
        assert layer.weight.abs().max() <= inputs**-0.5
        assert not layer.bias.any()


def test_rewards_are_in_the_units_of_the_spread_of_returns():
    scaling, returns = RewardScaling(0.5), []
    for reward, ends in ((1.0, False), (2.0, False), (4.0, True), (1.0, False)):
        carried = 0.5 * returns[-1] if returns and len(returns) != 3 else 0.0
        returns.append(carried + reward)
        scaled = scaling(reward, ends_episode=ends)
        deviation = np.std(returns, ddof=1) if len(returns) > 1 else 1.0
        assert scaled == pytest.approx(reward / deviation, rel=1e-6)


def test_an_observation_is_taken_in_once():
    scaling = ScaledObservations(spaces.Box(-np.inf, np.inf, (2,)))
    seen = torch.randn(50, 2) * 3 + 1
    scaling.train()
    for each in seen:
        taken = scaling.take_in(each[None])
        assert torch.equal(scaling(each[None]), taken)
    torch.testing.assert_close(scaling.normalization.mean, seen.mean(0))
    assert scaling.normalization.count == 50


def test_every_step_is_learned_from_and_moves_both_networks():
    model = make(policy_kwargs={"update": "intentional"})
    value, policy = model.policy.optimizer, model.policy.actor_optimizer
    trained = [each for one in (value, policy) for each in one.param_groups[0]["params"]]
    assert {id(each) for each in trained} == {id(each) for each in model.policy.parameters()}
    before = [each.detach().clone() for each in trained]
    model.learn(20)
    assert value.state[value.param_groups[0]["params"][0]]["errors_seen"] == 20
    assert not any(torch.equal(one, other) for one, other in zip(before[2:], trained[2:], strict=True))


@pytest.mark.parametrize(
    ("update", "env", "kind"),
    [
        ("intentional", "CartPole-v1", IntentionalUpdates),
        ("obgd", "CartPole-v1", ObGD),
        ("auto", "CartPole-v1", ObGD),
        ("auto", "Pendulum-v1", IntentionalUpdates),
    ],
)
def test_the_update_is_a_choice_and_by_default_that_for_the_actions(update, env, kind):
    model = make(env, policy_kwargs={"update": update, "hidden_units": 8})
    assert type(model.policy.optimizer) is type(model.policy.actor_optimizer) is kind
    model.learn(40)
    assert all(each.isfinite().all() for each in model.policy.parameters())


def test_traces_end_with_an_episode():
    model = make(policy_kwargs={"hidden_units": 8})
    quiet = []
    critic = model.policy.optimizer
    last = critic.param_groups[0]["params"][-1]
    act = model.env.step

    def step(actions):
        if last in critic.state:
            quiet.append((model._last_episode_starts[0], bool(critic.state[last]["eligibility"].any())))
        return act(actions)

    model.env.step = step
    model.learn(60)
    assert {True, False} == {begins for begins, _ in quiet}
    assert all(begins != has_trace for begins, has_trace in quiet)


def test_observations_of_double_precision_are_learned_from_as_of_single():
    def learned(dtype):
        env = gymnasium.wrappers.TransformObservation(
            gymnasium.make("Pendulum-v1", max_episode_steps=8),
            lambda seen: seen.astype(dtype),
            spaces.Box(-8, 8, (3,), dtype),
        )
        model = StreamAC("MlpPolicy", env, n_steps=20, seed=0, device="cpu", policy_kwargs={"hidden_units": 8})
        return nn.utils.parameters_to_vector(model.learn(20).policy.parameters())

    assert torch.equal(learned(np.float64), learned(np.float32))


def test_continuous_actions_stay_within_their_bounds():
    model = make("Pendulum-v1", policy_kwargs={"hidden_units": 8})
    given = []
    act = model.env.step
    model.env.step = lambda actions: (given.append(actions.copy()), act(actions))[1]
    model.learn(20)
    assert np.abs(np.stack(given)).max() <= 2


def run(folder, total):
    train_model(make(policy_kwargs={"hidden_units": 8}), total, folder)


def test_a_run_that_was_interrupted_goes_on_bit_for_bit(tmp_path):
    whole, parts = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "parts")
    run(whole, 40)
    run(parts, 20)
    run(parts, 40)
    first, second = (StreamAC.load(each.model_file, device="cpu") for each in (whole, parts))
    for name in ("policy", "policy.optimizer", "policy.actor_optimizer"):
        one, other = (flat(each.get_parameters()[name]) for each in (first, second))
        torch.testing.assert_close(one, other, atol=0, rtol=0)
    assert returns(whole) == returns(parts) != []
    observation = np.full(4, 0.1, dtype=np.float32)
    assert first.predict(observation, deterministic=True)[0] == second.predict(observation, deterministic=True)[0]


def returns(folder):
    lines = [json.loads(line) for line in folder.metrics_file.read_text().splitlines()]
    return [(line["global_step"], line["episode/return"]) for line in lines if "episode/return" in line]


def flat(state):
    if isinstance(state, dict):
        return [leaf for key in sorted(state, key=str) for leaf in flat(state[key])]
    if isinstance(state, list | tuple):
        return [leaf for value in state for leaf in flat(value)]
    return [state] if isinstance(state, int | float | torch.Tensor) else []


def test_several_copies_and_images_are_refused():
    with pytest.raises(ValueError, match=r"one world, and got 2 copies: make one \(env.n_envs=1\)"):
        make(copies=2)
    with pytest.raises(ValueError, match="observations that are vectors"):
        StreamAC("MlpPolicy", DummyVecEnv([Images]))


@pytest.mark.slow
@pytest.mark.timeout(900)  # under load
def test_it_learns_to_balance():
    model = make(n_steps=1000)
    model.learn(20_000)
    assert np.mean([episode["r"] for episode in list(model.ep_info_buffer)[-10:]]) > 150
