"""Shrink and perturb: the shrinking by hand, the noise by its statistics."""

import copy
import math

import pytest
import torch
from torch import nn

from plastic_rl.optim import ContinualBackprop, ShrinkPerturb
from plastic_rl.optim.base import PlasticOptimizer
from tests.optim.networks import OPTIMIZERS, are_equal, around, mlp, numbers, train


def still(*shapes, **settings):
    """Parameters of ones and an optimiser that moves nothing, so that every number is the method's own."""
    parameters = [nn.Parameter(torch.ones(shape)) for shape in shapes]
    return parameters, ShrinkPerturb(torch.optim.SGD(parameters, lr=0.0), **{"seed": 0, **settings})


def test_shrinking_by_hand():
    (weight, bias), optimizer = still((2, 2), (2,), shrink=0.25, noise_std=0.0)
    optimizer.step()
    assert weight.tolist() == [[0.75, 0.75], [0.75, 0.75]]
    optimizer.step()
    assert bias.tolist() == [0.5625, 0.5625]


def test_the_optimiser_steps_first_and_its_step_is_shrunk_with_the_rest():
    weight = nn.Parameter(torch.tensor([2.0]))
    optimizer = ShrinkPerturb(torch.optim.SGD([weight], lr=0.5), shrink=0.5, noise_std=0.0, seed=0)
    weight.grad = torch.tensor([2.0])
    optimizer.step()
    assert weight.item() == (2 - 0.5 * 2) * 0.5


def test_the_noise_is_normal_with_the_given_deviation_and_independent_everywhere():
    (one, other), optimizer = still((100, 100), (10_000,), noise_std=0.1)
    optimizer.step()
    first = torch.cat([one.detach().flatten(), other.detach()]) - 1
    assert first.mean().abs() < 4 * 0.1 / math.sqrt(20_000)
    assert first.std() == pytest.approx(0.1, rel=0.02)
    assert (first.abs() < 0.1).float().mean() == pytest.approx(0.6827, abs=0.02)
    optimizer.step()
    second = torch.cat([one.detach().flatten(), other.detach()]) - 1 - first
    for a, b in ((first, second), (first[:10_000], first[10_000:])):
        assert torch.corrcoef(torch.stack([a, b]))[0, 1].abs() < 0.05


def test_the_noise_is_a_function_of_seed_and_step_and_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    results = []
    for seed in (3, 3, 4):
        (weight,), optimizer = still((50,), noise_std=0.1, seed=seed)
        optimizer.step()
        results.append(weight.detach())
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])
    assert torch.equal(before, torch.get_rng_state())


def test_parameters_of_other_groups_are_disturbed_too():
    (one,), optimizer = still((20,), noise_std=0.1)
    extra = nn.Parameter(torch.ones(20))
    optimizer.add_param_group({"params": [extra]})
    optimizer.step()
    assert (one != 1).all()
    assert (extra != 1).all()
    assert not torch.equal(one, extra)


def test_parameters_keep_their_kind():
    parameters = [nn.Parameter(torch.ones(4, dtype=kind)) for kind in (torch.float32, torch.float64)]
    optimizer = ShrinkPerturb(torch.optim.SGD(parameters, lr=0.0), noise_std=0.1, seed=0)
    optimizer.step()
    assert [parameter.dtype for parameter in parameters] == [torch.float32, torch.float64]
    assert all((parameter != 1).all() for parameter in parameters)


@pytest.mark.parametrize("settings", [{"shrink": -0.1}, {"shrink": 1.5}, {"noise_std": -1e-5}])
def test_hyper_parameters_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        still((1,), **settings)


def test_it_stacks_with_continual_backprop_either_way():
    for inner, outer in ((around, disturbed), (disturbed, around)):
        network = mlp()
        optimizer = outer(inner(OPTIMIZERS["adam"](network), network), network)
        train(network, optimizer, 12)
        assert optimizer.metrics()["cbp/replaced"] > 0
        memory = optimizer.state_dict()
        assert {"ContinualBackprop", "ShrinkPerturb"} <= memory.keys()
        assert memory["ShrinkPerturb"]["step"] == 12


def disturbed(optimizer: torch.optim.Optimizer, network: nn.Module) -> PlasticOptimizer:
    return ShrinkPerturb(optimizer, shrink=0.01, noise_std=0.01, seed=7)


def test_two_optimisers_that_share_a_saved_state_do_not_count_together():
    (_, first), (_, second) = still((1,)), still((1,))
    second.load_state_dict(first.state_dict())
    first.step()
    assert (first.memory["step"], second.memory["step"]) == (1, 0)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_saved_state_goes_on_bit_for_bit(kind):
    network, other = mlp(), mlp(seed=3)
    optimizer, second = (disturbed(OPTIMIZERS[kind](each), each) for each in (network, other))
    train(network, optimizer, 10)
    other.load_state_dict(network.state_dict())
    second.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for each, its in ((network, optimizer), (other, second)):
        train(each, its, 10, seed=2)
    assert are_equal(numbers(network), numbers(other))
    assert optimizer.memory["step"] == second.memory["step"] == 20


def test_a_plain_optimiser_reads_the_state_and_passes_over_the_method():
    network = mlp()
    optimizer = disturbed(OPTIMIZERS["adam"](network), network)
    train(network, optimizer, 3)
    OPTIMIZERS["adam"](network).load_state_dict(optimizer.state_dict())
    assert isinstance(optimizer, torch.optim.Optimizer)
    assert not isinstance(optimizer, ContinualBackprop)
