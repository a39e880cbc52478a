"""Forecasts in environment steps, which come true."""

from functools import partial
from types import SimpleNamespace

import pytest
from stable_baselines3 import DQN, PPO, SAC, TD3

from plastic_rl.forecast import Pace
from plastic_rl.optim import ContinualBackprop
from plastic_rl.sb3 import forecast_model, plastic
from plastic_rl.sb3.forecast import pace_of

OFF_POLICY = {"learning_starts": 20, "buffer_size": 100, "batch_size": 8, "train_freq": 2, "gradient_steps": 1}
ON_POLICY = {"n_steps": 32, "batch_size": 16, "n_epochs": 3}
METHOD = partial(ContinualBackprop, replacement_rate=0.01, maturity_threshold=10)


def small():
    # SB3 writes into the dictionary that it is given.
    return {"policy_kwargs": {"net_arch": [16, 16]}, "device": "cpu", "seed": 0}


def first_replacement(model, limit):
    """The environment step by which the first unit has been replaced, in each optimiser."""
    seen = {}
    owners = {id(each.optimizer): each.optimizer for each in model.policy.modules() if hasattr(each, "optimizer")}

    def look(*_):
        for optimizer in owners.values():
            if optimizer.metrics()["cbp/replaced"] and id(optimizer) not in seen:
                seen[id(optimizer)] = model.num_timesteps
        return True

    train = model.train
    model.train = lambda *args, **kwargs: (train(*args, **kwargs), look())[0]
    model.learn(limit)
    return set(seen.values())


@pytest.mark.parametrize(
    ("algorithm", "world", "settings"),
    [
        (PPO, "CartPole-v1", ON_POLICY),
        (DQN, "CartPole-v1", OFF_POLICY),
        (SAC, "Pendulum-v1", OFF_POLICY),
        (TD3, "Pendulum-v1", OFF_POLICY),
    ],
)
def test_the_first_replacement_comes_at_the_environment_step_that_was_forecast(algorithm, world, settings):
    model = plastic(algorithm)("MlpPolicy", world, plasticity=METHOD, **small(), **settings)
    forecasts = {layer.pace.environment_step(layer.first_update) for layer in forecast_model(model).layers}
    assert first_replacement(model, max(forecasts) + 40) == forecasts


def test_the_line_names_the_environment_step():
    model = plastic(PPO)(
        "MlpPolicy", "CartPole-v1", plasticity=METHOD, n_steps=64, batch_size=32, n_epochs=1, **small()
    )
    # Update 17 is the first of the ninth rollout of two updates.
    assert "first replacement at update 17 = environment step 576, then" in forecast_model(model).line
    assert "The run has 10 updates" in forecast_model(model, run_length=320).line


def test_each_optimiser_counts_its_own_updates():
    model = plastic(TD3)("MlpPolicy", "Pendulum-v1", plasticity=METHOD, **small(), **OFF_POLICY)
    # Update 17 of the critics is in the 17th round of 2 steps after step 20; the actor makes one in two rounds.
    found = forecast_model(model)
    assert "continual backprop of the actor: first replacement at update 17 = environment step 88" in found.line
    assert "continual backprop of the critic: first replacement at update 17 = environment step 54" in found.line
    assert {layer.network for layer in found.layers} == {"actor", "critic"}
    too_short = forecast_model(model, run_length=36).warnings  # 8 updates of the critics, 4 of the actor
    assert [text[:28] for text in too_short] == ["The actor: The run has 4 upd", "The critic: The run has 8 up"]


def test_the_round_in_which_a_run_ends_is_counted_whole():
    settings = {"n_steps": 64, "batch_size": 32, "n_epochs": 1}
    model = plastic(PPO)("MlpPolicy", "CartPole-v1", plasticity=METHOD, **settings, **small())
    assert "The run has 10 updates" in forecast_model(model, run_length=257).line
    model.learn(257)
    assert model.num_timesteps == 320


def test_a_run_of_random_actions_alone_is_warned_of():
    settings = {**OFF_POLICY, "learning_starts": 100}  # rounds of two steps
    model = TD3("MlpPolicy", "Pendulum-v1", **small(), **settings)
    told = "The agent learns nothing: learning_starts is 100, and the run has 100 steps."
    assert forecast_model(model, run_length=100).line == told
    assert forecast_model(model, run_length=101).is_empty


def test_updates_begin_with_the_round_that_passes_learning_starts():
    # Rounds end at 8, 16, ... 96, 104: the first after step 100 is at 104.
    copies = pace_of(off_policy(n_envs=2), None)
    assert copies == Pace(steps=8, updates=2, start=96)
    assert copies.environment_step(1) == 104


def test_where_episodes_set_the_pace_a_length_in_steps_is_no_number_of_updates():
    settings = {**OFF_POLICY, "train_freq": (1, "episode")}
    model = plastic(TD3)("MlpPolicy", "Pendulum-v1", plasticity=METHOD, **small(), **settings)
    assert "environment step" not in forecast_model(model).line
    assert forecast_model(model, run_length=5).warnings == []


def test_a_plain_model_has_nothing_to_forecast():
    assert forecast_model(PPO("MlpPolicy", "CartPole-v1", **small())).line == "no method replaces units"


def test_the_papers_ppo_has_160_updates_for_2048_environment_steps():
    pace = pace_of(SimpleNamespace(n_steps=2048, n_envs=1, batch_size=128, n_epochs=10), None)
    assert pace == Pace(steps=2048, updates=160)
    # Update 10,040 is in the 63rd rollout.
    assert pace.environment_step(10_040) == 63 * 2048
    assert pace.updates_by(2_000_000) == 976 * 160


def test_a_last_small_minibatch_is_an_update_too():
    pace = pace_of(SimpleNamespace(n_steps=100, n_envs=2, batch_size=64, n_epochs=3), None)
    assert pace == Pace(steps=200, updates=12)


def off_policy(**settings):
    frequency = SimpleNamespace(frequency=4, unit=SimpleNamespace(value="step"))
    return SimpleNamespace(
        **{"train_freq": frequency, "gradient_steps": 2, "n_envs": 1, "learning_starts": 100, **settings}
    )


def test_off_policy_algorithms_make_gradient_steps_every_so_many_steps():
    pace = pace_of(off_policy(), None)
    assert pace == Pace(steps=4, updates=2, start=100)
    assert pace.environment_step(3) == 108
    assert pace_of(off_policy(gradient_steps=-1, n_envs=3), None) == Pace(steps=12, updates=12, start=96)


def test_the_delayed_actor_of_td3_makes_half_the_updates():
    actor = object()
    assert pace_of(off_policy(policy_delay=2, actor=actor), actor) == Pace(steps=4, updates=1, start=100)
    assert pace_of(off_policy(policy_delay=2, actor=actor), None) == Pace(steps=4, updates=2, start=100)


def test_episodes_set_no_pace():
    episodes = SimpleNamespace(frequency=1, unit=SimpleNamespace(value="episode"))
    assert pace_of(off_policy(train_freq=episodes), None) is None
