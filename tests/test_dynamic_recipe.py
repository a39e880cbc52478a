"""The agent that grows: its widths, its place in a stack, and what it is refused with."""

import gymnasium
import pytest
from stable_baselines3.common.vec_env import DummyVecEnv

from agents import agent_named
from plastic_rl.errors import UserError
from plastic_rl.optim import methods_in

SMALL = {"rollout_steps": 64, "minibatch_size": 32, "epochs": 1}


def build(name, **settings):
    env = DummyVecEnv([lambda: gymnasium.make("CartPole-v1")])
    return agent_named(name)(**SMALL, **settings).build(env, seed=0, device="cpu")


def methods(model):
    return [type(method).__name__ for method in methods_in(model.policy.optimizer)]


def test_it_begins_narrow_and_hidden_units_is_the_ceiling():
    model = build("ppo_dynamic", hidden_units=20, every=2, births=3)
    assert model.policy.net_arch == {"pi": [16, 16], "vf": [16, 16]}
    model.learn(256)
    assert model.policy.net_arch == {"pi": [20, 20], "vf": [20, 20]}
    assert build("ppo_dynamic", hidden_units=8).policy.net_arch == {"pi": [8, 8], "vf": [8, 8]}


def test_it_is_around_the_methods_that_are_added_to_it():
    model = build("ppo_dynamic+cbp+l2_init", hidden_units=20, every=2)
    assert methods(model) == ["GrowingLayers", "ContinualBackprop", "L2Init"]
    model.learn(128)
    assert model.policy.net_arch == {"pi": [18, 18], "vf": [18, 18]}


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("nap", "NormalizeAndProject keeps what fits the present shapes alone"),
        ("layer_norm", "normalises over its units"),
        ("crelu", "got a HalvedActorCriticPolicy"),
    ],
)
def test_what_cannot_follow_is_refused_before_the_run(word, reason):
    with pytest.raises(UserError, match=f"agent=ppo_dynamic cannot be like this: .*{reason}"):
        build(f"ppo_dynamic+{word}")
