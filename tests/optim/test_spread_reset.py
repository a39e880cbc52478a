"""Resets of a Gaussian policy's spread: what is set back, from where, what is left alone, and where there is none."""

from functools import partial

import gymnasium
import pytest
import torch
from stable_baselines3 import PPO, SAC
from torch import nn

from plastic_rl.layers import hidden_layers
from plastic_rl.optim import FIRE, OptimizerReset, SpreadReset, methods_in
from plastic_rl.sb3 import plastic, plastic_optimizers


def make(method=SpreadReset, world="Pendulum-v1", algorithm=PPO, **settings):
    settings = {"policy_kwargs": {"net_arch": [8]}, "n_steps": 64, "device": "cpu", "seed": 0, **settings}
    return plastic(algorithm)("MlpPolicy", gymnasium.make(world), plasticity=method, **settings)


def narrow(policy, log_std=-4.0):
    """A policy that has become sure of itself."""
    with torch.no_grad():
        policy.log_std.fill_(log_std)
    return {name: each.detach().clone() for name, each in policy.named_parameters()}


def changed(policy, before):
    return {name for name, each in policy.named_parameters() if not torch.equal(each, before[name])}


def test_at_a_change_actions_spread_as_at_first_and_all_else_stays():
    policy = make(policy_kwargs={"net_arch": [8], "log_std_init": -0.5}).policy
    before, tensor = narrow(policy), policy.log_std
    policy.optimizer.begin_task()
    assert changed(policy, before) == {"log_std"}
    assert policy.log_std is tensor
    assert policy.log_std.tolist() == [-0.5]
    assert policy.optimizer.metrics() == {"spread_reset/times": 1}


def test_the_optimiser_forgets_what_it_knew_of_the_spread_alone():
    model = make()
    model.learn(64)
    optimizer = model.policy.optimizer
    optimizer.reset()
    assert [name for name, each in model.policy.named_parameters() if not optimizer.state[each]] == ["log_std"]


def test_the_matrix_of_state_dependent_exploration_is_set_back_entry_by_entry():
    start = {"net_arch": [8], "log_std_init": -2.0}
    policy = make(use_sde=True, policy_kwargs=start, ignore=["mlp_extractor.policy_net.0"]).policy
    narrow(policy)
    policy.optimizer.begin_task()
    assert policy.log_std.shape == (8, 1)
    assert (policy.log_std == -2.0).all()


def test_a_saved_model_goes_back_to_where_it_began_and_not_to_where_it_was_saved(tmp_path):
    model = make(policy_kwargs={"net_arch": [8], "log_std_init": -0.5})
    narrow(model.policy)
    model.policy.optimizer.begin_task()
    narrow(model.policy)
    model.save(tmp_path / "model.zip")
    loaded = plastic(PPO).load(tmp_path / "model.zip")
    assert loaded.policy.log_std.tolist() == [-4.0]
    loaded.policy.optimizer.begin_task()
    assert loaded.policy.log_std.tolist() == [-0.5]
    assert loaded.policy.optimizer.metrics() == {"spread_reset/times": 2}


def test_a_frozen_spread_stays():
    policy = make().policy
    policy.log_std.requires_grad_(False)
    before = narrow(policy)
    policy.optimizer.begin_task()
    assert changed(policy, before) == set()


def test_the_interval_counts_updates():
    optimizer = make(partial(SpreadReset, on_change=False, every=2)).policy.optimizer
    for _ in range(4):
        optimizer.step()
    optimizer.begin_task()
    assert optimizer.metrics() == {"spread_reset/times": 2}


@pytest.mark.parametrize(("world", "algorithm"), [("CartPole-v1", PPO), ("Pendulum-v1", SAC)])
def test_a_policy_without_such_a_parameter_says_so_and_is_left_alone(world, algorithm):
    settings = {} if algorithm is PPO else {"n_steps": 1}
    model = make(world=world, algorithm=algorithm, **settings)
    before = {name: each.detach().clone() for name, each in model.policy.named_parameters()}
    for optimizer in plastic_optimizers(model):
        assert "nothing to set back" in "".join(optimizer.concerns())
        optimizer.begin_task()
    assert changed(model.policy, before) == set()


def test_a_combination_for_any_policy_is_quiet_where_there_is_none():
    network = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
    layers = hidden_layers(network, torch.zeros(2, 3))
    adam = torch.optim.Adam(network.parameters())
    assert not list(SpreadReset(adam, layers, if_any=True).concerns())
    assert list(SpreadReset(adam, layers).concerns())


def test_what_is_recommended_has_it_after_isometries_and_a_fresh_optimiser():
    policy = make("recommended").policy
    narrow(policy)
    policy.optimizer.begin_task()
    assert policy.log_std.tolist() == [0.0]
    kinds = [type(each) for each in methods_in(policy.optimizer)]
    assert kinds.index(SpreadReset) < kinds.index(OptimizerReset) < kinds.index(FIRE)  # the outermost of the three
