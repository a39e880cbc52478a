"""The contract of every method in every host: off is gone, on acts, state goes on, seeds are alike, newborns silent."""

from __future__ import annotations

import copy
from functools import cache

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from plastic_rl.layers import hidden_layers
from plastic_rl.optim import Plasticity, PlasticOptimizer, Stack, UnitsReplaced, seeded
from tests.contract.hosts import (
    ADAM,
    HOSTS,
    Trained,
    begin_learner,
    learn_from_streams,
    learner_of,
    make_local,
    make_ppo,
    small_network,
    streams_of,
)
from tests.contract.methods import METHODS, nothing, often
from tests.streams.small import go_through

rows = pytest.mark.parametrize("name", METHODS)
pairs = [(name, host) for name, method in METHODS.items() for host in HOSTS if host not in method.refused_in]
everywhere = pytest.mark.parametrize(("name", "host"), pairs)
refused = [(name, host) for name, method in METHODS.items() for host in method.refused_in]


@cache
def base(host: str) -> Trained:
    """The host without a method; inside and outside of continual backprop, with that alone."""
    return HOSTS[host](None, nothing)


def are_equal(one: Trained, other: Trained) -> bool:
    weights = zip(one.weights, other.weights, strict=True)
    return all(torch.equal(a, b) for a, b in weights)


@everywhere
def test_off_is_bit_for_bit_what_the_method_wraps(name: str, host: str):
    off = HOSTS[host](METHODS[name].off, METHODS[name].begin)
    assert are_equal(off, base(host))
    assert torch.equal(off.random, base(host).random)


@everywhere
def test_on_acts_in_every_host(name: str, host: str):
    on = HOSTS[host](METHODS[name].on, METHODS[name].begin)
    assert on.optimizers
    assert not are_equal(on, base(host))
    assert torch.equal(on.random, base(host).random) or host in ("PPO", "SAC")  # there actions differ, and episodes


@pytest.mark.parametrize(("name", "host"), refused)
def test_a_host_that_cannot_have_a_method_refuses_it_with_the_reason(name: str, host: str):
    with pytest.raises(ValueError, match=r"local losses take units in detached.*use this method with backpropagation"):
        HOSTS[host](METHODS[name].on, METHODS[name].begin)


@rows
def test_two_seeds_learn_what_each_learns_alone(name: str):
    method = METHODS[name]
    together = learn_from_streams(method.on, method.begin, seeds=(3, 4)).weights
    apart = [learn_from_streams(method.on, method.begin, seeds=(seed,)).weights for seed in (3, 4)]
    torch.testing.assert_close(together, [weight for weights in apart for weight in weights], atol=2e-5, rtol=2e-5)


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.replaces])
@pytest.mark.parametrize("host", ["plain loop", "one seed", "two seeds", "PPO", "SAC", "LocalHSIC"])
def test_a_newborn_unit_is_silent_in_every_host(name: str, host: str):
    loudest: list[float] = []

    def listen(event: UnitsReplaced) -> None:
        for port in event.layer.read_by:
            columns = port.parameter.index_select(port.column_axis or 0, port.columns(event.units))
            loudest.append(columns.abs().max().item())

    def begin(optimizer: Optimizer) -> None:
        assert isinstance(optimizer, PlasticOptimizer)
        optimizer.on_replacement(listen)

    HOSTS[host](METHODS[name].on, begin)
    assert loudest
    assert max(loudest) == 0.0


@rows
@pytest.mark.parametrize("seeds", [(3,), (3, 4)])
def test_a_saved_learner_goes_on_bit_for_bit(name: str, seeds: tuple[int, ...]):
    method, saved = METHODS[name], []
    whole = learner_of(method.on, seeds)
    begin_learner(whole, method.begin)
    go_through(streams_of(seeds), whole, lambda course, _: saved.append(copy.deepcopy(course.state_dict())))
    again = learner_of(method.on, seeds)
    go_through(streams_of(seeds), again, saved=saved[0])
    for one, other in zip(whole.networks, again.networks, strict=True):
        torch.testing.assert_close(one.state_dict(), other.state_dict(), atol=0, rtol=0)


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


@rows
@pytest.mark.parametrize("stacked", STACKS)
def test_a_saved_stack_goes_on_bit_for_bit(name: str, stacked: str):
    inputs = torch.randn(24, 8, 4)
    network, optimizer = around(STACKS[stacked](METHODS[name]))
    METHODS[name].begin(optimizer)
    train(network, optimizer, inputs[:12])
    other, again = around(STACKS[stacked](METHODS[name]))
    other.load_state_dict(network.state_dict())
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for each, one in ((network, optimizer), (other, again)):
        train(each, one, inputs[12:])
    torch.testing.assert_close(other.state_dict(), network.state_dict(), atol=0, rtol=0)


def around(plasticity: Plasticity) -> tuple[nn.Module, PlasticOptimizer]:
    network = small_network()
    return network, seeded(plasticity, 5)(ADAM(network.parameters()), hidden_layers(network, torch.zeros(1, 4)))


def train(network: nn.Module, optimizer: Optimizer, batches: Tensor) -> None:
    for inputs in batches:
        optimizer.zero_grad()
        network(inputs).square().mean().backward()
        optimizer.step()


def flat(state: object) -> list[object]:
    """The numbers and tensors in a nest, in order."""
    if isinstance(state, dict):
        return [leaf for key in sorted(state, key=str) for leaf in flat(state[key])]
    if isinstance(state, list | tuple):
        return [leaf for value in state for leaf in flat(value)]
    return [state] if isinstance(state, int | float | torch.Tensor) else []
