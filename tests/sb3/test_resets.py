"""Resets of off-policy agents (Nikishin et al. 2022): what is drawn afresh, and what is kept."""

import copy
from functools import partial

import numpy as np
import pytest
import torch
from algorithms import CASES, pendulum
from stable_baselines3 import DQN, PPO, SAC
from stable_baselines3.common.callbacks import BaseCallback

from plastic_rl.optim import ContinualBackprop, HareAndTortoise, methods_in
from plastic_rl.runs import seed_everything
from plastic_rl.sb3 import Resets, fresh_networks_at_changes, plastic, plastic_optimizers, reset_networks
from plastic_rl.sb3.algorithm_state import algorithm_state, restore_algorithm_state
from plastic_rl.sb3.resets import reset_concerns

SMALL = {"learning_starts": 10, "batch_size": 8, "buffer_size": 200, "seed": 0, "device": "cpu"}


def small_sac(**settings):
    return SAC("MlpPolicy", pendulum(), **SMALL, policy_kwargs={"net_arch": [8, 8]}, **settings)


def trained_sac(**settings):
    return small_sac(**settings).learn(24)


def test_a_whole_reset_is_a_new_agent_with_the_old_buffer():
    model = trained_sac()
    before, seen = copy.deepcopy(model.policy.state_dict()), model.replay_buffer.size()
    reset_networks(model, 1)
    after = model.policy.state_dict()
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    assert {name for name in after if name.endswith("weight")} <= changed
    for name in after:
        network, _, rest = name.partition(".")
        if network == "critic_target":
            assert torch.equal(after[name], after[f"critic.{rest}"])
    assert not model.actor.optimizer.state
    assert not model.critic.optimizer.state
    assert model.log_ent_coef.item() == 0.0
    assert model.log_ent_coef.requires_grad
    assert not model.ent_coef_optimizer.state
    assert model.replay_buffer.size() == seen
    model.learn(4, reset_num_timesteps=False)


def test_the_entropy_coefficient_starts_where_the_agent_says():
    model = trained_sac(ent_coef="auto_0.1")
    reset_networks(model, 1)
    assert model.log_ent_coef.item() == pytest.approx(np.log(0.1))


def test_of_the_last_layer_alone_weights_moments_and_target_are_new():
    model = trained_sac()
    before = copy.deepcopy(model.policy.state_dict())
    reset_networks(model, 1, last=1)
    after = model.policy.state_dict()
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    heads = {"actor.mu", "actor.log_std", *(f"critic{end}.qf{n}.4" for end in ("", "_target") for n in (0, 1))}
    assert changed == {f"{head}.{part}" for head in heads for part in ("weight", "bias")}
    for network in (model.actor, model.critic):
        kept = {id(each) for each in network.optimizer.state}
        for name, parameter in network.named_parameters():
            is_head = name.rpartition(".")[0] in ("mu", "log_std", "qf0.4", "qf1.4")
            assert (id(parameter) in kept) is not is_head
    for name in changed:
        network, _, rest = name.partition(".")
        if network == "critic":
            assert torch.equal(after[name], after[f"critic_target.{rest}"])


def next_draws(*, seeded=False):
    if not seeded:
        seed_everything(0)
    return np.random.random(), torch.rand(1).item()  # noqa: NPY002 - beartype itself draws from Python's


def test_the_weights_are_a_function_of_seed_and_number_and_no_global_generator_moves():
    models = [trained_sac(), small_sac()]
    expected = next_draws()
    seed_everything(0)
    for model in models:
        reset_networks(model, 3)
    assert next_draws(seeded=True) == expected
    ours, theirs = (model.policy.state_dict() for model in models)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    reset_networks(models[0], 4)
    assert not torch.equal(models[0].policy.state_dict()["actor.mu.weight"], theirs["actor.mu.weight"])


class FirstWeight(BaseCallback):
    """Notes when a weight is far from where one update could bring it."""

    def __init__(self):
        super().__init__()
        self.jumps, self.last = [], None

    def _on_step(self):
        weight = self.model.q_net.q_net[0].weight.detach().clone()
        if self.last is not None and (weight - self.last).abs().max() > 0.05:
            self.jumps.append(self.num_timesteps)
        self.last = weight
        return True


@pytest.mark.parametrize("start", [0, 60])
def test_resets_come_at_their_steps_also_where_a_run_goes_on(start):
    model = DQN("MlpPolicy", "CartPole-v1", **SMALL, policy_kwargs={"net_arch": [8]})
    model.num_timesteps, model._total_timesteps = start, 170
    watch = FirstWeight()
    model.learn(170 - start, callback=[Resets(50), watch], reset_num_timesteps=False)
    # Rounds of four steps: the reset is before the first step after the round that passes a multiple of 50.
    assert watch.jumps == [step for step in (53, 101, 153) if step > start]


def test_a_reset_that_is_due_where_a_run_ended_comes_when_it_goes_on():
    ended, model = (DQN("MlpPolicy", "CartPole-v1", **SMALL, policy_kwargs={"net_arch": [8]}) for _ in "ab")
    ended.learn(100, callback=Resets(50))
    restore_algorithm_state(model, algorithm_state(ended))
    watch = FirstWeight()
    watch.last = model.q_net.q_net[0].weight.detach().clone()
    model.learn(60, callback=[Resets(50), watch], reset_num_timesteps=False)
    assert watch.jumps == [101, 153]


@pytest.mark.parametrize("name", ["TD3", "DQN", "QRDQN", "TQC", "CrossQ"])
@pytest.mark.parametrize("last", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_every_off_policy_algorithm_is_reset_and_learns_on(name, last):
    model = CASES[name].make(plastic, plasticity=partial(ContinualBackprop, replacement_rate=0.1), buffer_size=100)
    model.learn(16)
    before = copy.deepcopy(model.policy.state_dict())
    reset_networks(model, 1, last=last)
    after = model.policy.state_dict()
    changed = [key for key in after if not torch.equal(before[key], after[key])]
    assert 0 < len(changed) <= len(after)
    assert (len(changed) < len(after) / 2) == (last == 1)
    model.learn(4, reset_num_timesteps=False)


def test_a_fresh_agent_starts_over_when_it_is_told_of_a_change():
    model = trained_sac()
    fresh_networks_at_changes(model)
    expected = trained_sac()
    reset_networks(expected, 1)
    for optimizer in plastic_optimizers(model):
        optimizer.begin_task()
    ours, theirs = model.policy.state_dict(), expected.policy.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    (fresh,) = [method for optimizer in plastic_optimizers(model) for method in methods_in(optimizer)]
    assert fresh.metrics() == {"fresh/times": 1}


@pytest.mark.parametrize(
    ("every", "last", "steps", "told"),
    [
        (101, 0, 104, "the run ends before the first, after 104"),  # rounds of four steps: the last begins at 100
        (100, 0, 104, ""),
        (50, 3, 104, "the networks are 2 layers deep, and all are drawn afresh"),
        (50, 2, 104, ""),
    ],
)
def test_resets_that_do_nothing_or_more_than_they_say_are_told_of(every, last, steps, told):
    model = DQN("MlpPolicy", "CartPole-v1", **SMALL, policy_kwargs={"net_arch": [8]})
    model._total_timesteps = steps
    assert told in " ".join(found := list(reset_concerns(model, every, last)))
    assert len(found) == bool(told)


def test_what_cannot_be_reset_is_refused():
    with pytest.raises(ValueError, match="every must be 1 or more"):
        Resets(0)
    with pytest.raises(TypeError, match="off-policy algorithms such as SAC; got PPO"):
        PPO("MlpPolicy", "CartPole-v1", n_steps=8, batch_size=8).learn(8, callback=Resets(4))
    tortoise = plastic(DQN)("MlpPolicy", "CartPole-v1", **SMALL, plasticity=HareAndTortoise)
    with pytest.raises(ValueError, match="resets and HareAndTortoise exclude each other"):
        tortoise.learn(8, callback=Resets(4))
    with pytest.raises(ValueError, match="give seed=0"):
        fresh_networks_at_changes(DQN("MlpPolicy", "CartPole-v1", buffer_size=10))
