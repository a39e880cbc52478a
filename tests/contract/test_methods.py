"""The contract of every method in every host: off is gone, on acts, state goes on, seeds are alike, newborns silent."""

from __future__ import annotations

import copy
from functools import cache

import pytest
import torch

from plastic_rl.optim import Stack
from tests.contract.claims import (
    assert_acts,
    assert_learner_goes_on,
    assert_newborns_are_silent,
    assert_off_is_gone,
    assert_optimizer_goes_on,
    assert_seeds_are_alike,
)
from tests.contract.hosts import HOSTS, Trained, learn_in_turn, make_local, make_ppo
from tests.contract.methods import METHODS, nothing, often

rows = pytest.mark.parametrize("name", METHODS)
pairs = [(name, host) for name, method in METHODS.items() for host in HOSTS if host not in method.refused_in]
in_the_slow_run = "over continual backprop"  # every day under it
everywhere = pytest.mark.parametrize(
    ("name", "host"),
    [pytest.param(name, host, marks=pytest.mark.slow if host == in_the_slow_run else ()) for name, host in pairs],
)
refused = [(name, host) for name, method in METHODS.items() for host in HOSTS if host in method.refused_in]


@cache
def base(host: str) -> Trained:
    """The host without a method; inside and outside of continual backprop, with that alone."""
    return HOSTS[host](None, nothing)


@everywhere
def test_off_is_bit_for_bit_what_the_method_wraps(name: str, host: str):
    is_in_turn = METHODS[name].takes_turns and host == "two seeds"
    assert_off_is_gone(METHODS[name], HOSTS[host], learn_in_turn() if is_in_turn else base(host))


@everywhere
def test_on_acts_in_every_host(name: str, host: str):
    # In the worlds actions differ, and with them episodes.
    assert_acts(METHODS[name], HOSTS[host], base(host), is_random_untouched=host not in ("PPO", "SAC"))


@pytest.mark.parametrize(("name", "host"), refused)
def test_a_host_that_cannot_have_a_method_refuses_it_with_the_reason(name: str, host: str):
    with pytest.raises(ValueError, match=METHODS[name].refused_in[host]):
        HOSTS[host](METHODS[name].on, METHODS[name].begin)


@rows
def test_two_seeds_learn_what_each_learns_alone(name: str):
    assert_seeds_are_alike(METHODS[name])


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.replaces])
@pytest.mark.parametrize("host", ["plain loop", "one seed", "two seeds", "PPO", "SAC", "LocalHSIC"])
def test_a_newborn_unit_is_silent_in_every_host(name: str, host: str):
    assert_newborns_are_silent(METHODS[name], HOSTS[host])


@rows
@pytest.mark.parametrize("seeds", [(3,), (3, 4)])
def test_a_saved_learner_goes_on_bit_for_bit(name: str, seeds: tuple[int, ...]):
    assert_learner_goes_on(METHODS[name], seeds)


@rows
def test_a_saved_model_has_the_method_and_its_memory_again(name: str, tmp_path):
    method, model = METHODS[name], make_ppo(plasticity=METHODS[name].on)
    method.begin(model.policy.optimizer)
    model.learn(64)
    model.save(tmp_path / "model.zip")
    again = type(model).load(tmp_path / "model.zip", device="cpu")
    assert type(again.policy.optimizer) is type(model.policy.optimizer)
    saved, loaded = model.policy.optimizer.state_dict(), again.policy.optimizer.state_dict()
    torch.testing.assert_close(flat(loaded), flat(saved), atol=0, rtol=0)


@pytest.mark.parametrize("name", [name for name, host in pairs if host == "LocalHSIC"])
def test_a_saved_local_trainer_goes_on_bit_for_bit(name: str):
    inputs, targets = torch.randn(24, 8, 4), torch.randint(3, (24, 8))
    trainer = make_local(METHODS[name].on)
    METHODS[name].begin(trainer.optimizers[0])
    for step in range(12):
        trainer.update(inputs[step], targets[step])
    again = make_local(METHODS[name].on)
    again.load_state_dict(copy.deepcopy(trainer.state_dict()))
    for step in range(12, 24):
        for each in (trainer, again):
            each.update(inputs[step], targets[step])
    torch.testing.assert_close(
        dict(again.trunk.named_parameters()), dict(trainer.trunk.named_parameters()), atol=0, rtol=0
    )


STACKS = {
    "alone": lambda method: method.on,
    "twice": lambda method: Stack((method.on, method.on)),
    "under continual backprop": lambda method: Stack((method.on, often)),
    "over continual backprop": lambda method: Stack((often, method.on)),
}


# Every day as the inner one of two: that has the entry of its own name, and is passed through.
SLOW = {name: () if name == "under continual backprop" else pytest.mark.slow for name in STACKS}


@rows
@pytest.mark.parametrize("stacked", [pytest.param(name, marks=SLOW[name]) for name in STACKS])
def test_a_saved_stack_goes_on_bit_for_bit(name: str, stacked: str):
    assert_optimizer_goes_on(STACKS[stacked](METHODS[name]), METHODS[name].begin)


def flat(state: object) -> list[object]:
    """The numbers and tensors in a nest, in order."""
    if isinstance(state, dict):
        return [leaf for key in sorted(state, key=str) for leaf in flat(state[key])]
    if isinstance(state, list | tuple):
        return [leaf for value in state for leaf in flat(value)]
    return [state] if isinstance(state, int | float | torch.Tensor) else []
