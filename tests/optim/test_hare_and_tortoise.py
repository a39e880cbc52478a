"""Hare and tortoise by hand, and the trap of two names for one tensor."""

import gymnasium
import pytest
import torch
from stable_baselines3 import PPO
from torch import nn

from plastic_rl.optim import HareAndTortoise
from plastic_rl.sb3 import plastic, plastic_optimizers


def running(weight, **settings):
    """A hare that goes one step up at each update."""
    optimizer = HareAndTortoise(torch.optim.SGD([weight], lr=1.0), **settings)
    weight.grad = torch.full_like(weight, -1.0)
    return optimizer


def slow(optimizer):
    return optimizer.memory["slow"][0].item()


def test_the_tortoise_follows_and_the_hare_is_called_back_to_it():
    weight = nn.Parameter(torch.zeros(1))
    optimizer = running(weight, tortoise_momentum=0.5, every=3)
    seen = []
    for _ in range(4):
        optimizer.step()
        seen.append((weight.item(), slow(optimizer)))
    # 0.5 · 0 + 0.5 · 1; 0.5 · 0.5 + 0.5 · 2; 0.5 · 1.25 + 0.5 · 3, and the hare there; one step on from 2.125
    assert seen == [(1.0, 0.5), (2.0, 1.25), (2.125, 2.125), (3.125, 0.5 * 2.125 + 0.5 * 3.125)]


def test_after_a_reset_the_tortoise_does_not_run_with_the_hare():
    """The released code sets one tensor to the other: the next step then moves both, in full."""
    weight = nn.Parameter(torch.zeros(1))
    optimizer = running(weight, tortoise_momentum=0.75, every=1)
    optimizer.step()
    assert weight.data_ptr() != optimizer.memory["slow"][0].data_ptr()
    before = slow(optimizer)
    optimizer.step()
    assert slow(optimizer) == before + 0.25


def test_without_an_interval_the_hare_runs_on():
    weight = nn.Parameter(torch.zeros(1))
    optimizer = running(weight, tortoise_momentum=0.5, every=0)
    for _ in range(3):
        optimizer.step()
    assert (weight.item(), slow(optimizer)) == (3.0, 2.125)


def test_the_tortoise_takes_the_networks_place_for_a_while():
    weight = nn.Parameter(torch.zeros(1))
    optimizer = running(weight, tortoise_momentum=0.5, every=0)
    optimizer.step()
    with optimizer.tortoise():
        assert weight.item() == 0.5
    assert weight.item() == 1.0
    assert weight.requires_grad


def test_the_optimisers_moments_are_kept():
    weight = nn.Parameter(torch.zeros(1))
    optimizer = HareAndTortoise(torch.optim.Adam([weight], lr=0.1), every=2)
    weight.grad = torch.ones(1)
    optimizer.step()
    optimizer.step()
    assert optimizer.state[weight]["step"] == 2
    assert optimizer.state[weight]["exp_avg"].item() == pytest.approx(0.19)


def test_what_is_frozen_is_left_alone():
    weight = nn.Parameter(torch.zeros(1))
    optimizer = running(weight, tortoise_momentum=0.5, every=1)
    with torch.no_grad():
        weight.fill_(4.0)
    weight.requires_grad_(False)
    weight.grad = None
    optimizer.step()
    assert (weight.item(), slow(optimizer)) == (4.0, 0.0)


@pytest.mark.parametrize("settings", [{"tortoise_momentum": 1.5}, {"every": -1}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        running(nn.Parameter(torch.zeros(1)), **settings)


def test_a_trained_model_that_gains_the_method_has_its_tortoise_where_it_is(tmp_path):
    settings = {"n_steps": 32, "batch_size": 16, "n_epochs": 2, "policy_kwargs": {"net_arch": [8]}, "device": "cpu"}
    trained = PPO("MlpPolicy", gymnasium.make("CartPole-v1"), **settings).learn(32)
    trained.save(tmp_path / "model")
    model = plastic(PPO).load(tmp_path / "model", env=gymnasium.make("CartPole-v1"), plasticity=HareAndTortoise)
    (optimizer,) = plastic_optimizers(model)
    assert isinstance(optimizer, HareAndTortoise)
    pairs = list(zip(optimizer.memory["slow"], trained.policy.parameters(), strict=True))
    assert all(torch.equal(*pair) for pair in pairs)
    model.learn(32)  # and from there on it follows
    model.save(tmp_path / "model")
    again = plastic(PPO).load(tmp_path / "model")
    torch.testing.assert_close(plastic_optimizers(again)[0].memory, optimizer.memory, atol=0, rtol=0)
