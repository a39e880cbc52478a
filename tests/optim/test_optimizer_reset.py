"""Resets of the optimiser: the next steps are those of a fresh one, and weights and methods stay as they are."""

from functools import partial

import pytest
import torch
from torch import nn

from plastic_rl.learners import Blueprint, backprop_learner
from plastic_rl.learners.parallel.batched import BatchedBackprop
from plastic_rl.optim import ContinualBackprop, OptimizerReset, ShrinkPerturb, Stack
from plastic_rl.optim.adam import with_unit_clock
from tests.optim.networks import OPTIMIZERS, are_equal, mlp, numbers, three_units, train
from tests.streams.small import Blobs, go_through, plan
from tests.streams.small import mlp as mlp_of_streams


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_after_a_reset_it_steps_as_a_fresh_one(kind):
    network, other = mlp(), mlp()
    optimizer = OptimizerReset(OPTIMIZERS[kind](network))
    train(network, optimizer, 5)
    before = numbers(network)
    optimizer.reset()
    assert are_equal(numbers(network), before)
    other.load_state_dict(network.state_dict())
    for each, one in ((network, optimizer), (other, OPTIMIZERS[kind](other))):
        train(each, one, 3, seed=2)
    assert are_equal(numbers(network), numbers(other))


def test_it_acts_when_it_is_time():
    weight = nn.Parameter(torch.zeros(1))
    optimizer, clock = OptimizerReset(torch.optim.Adam([weight]), every=3), []
    for _ in range(4):
        weight.grad = torch.ones(1)
        optimizer.step()
        clock.append(int(optimizer.state[weight]["step"]) if weight in optimizer.state else 0)
    assert clock == [1, 2, 0, 1]
    optimizer.begin_task()
    assert not optimizer.state
    assert optimizer.metrics() == {"optimizer_reset/times": 2}
    quiet = OptimizerReset(torch.optim.Adam([weight]), on_change=False)
    quiet.step()
    quiet.begin_task()
    assert quiet.state


def test_clocks_of_single_units_are_forgotten_and_the_methods_inside_go_on():
    network = three_units()
    clocked = with_unit_clock(torch.optim.Adam(network.parameters()))
    optimizer = OptimizerReset(ShrinkPerturb(clocked, noise_std=0.0, seed=3))
    network(torch.ones(2, 2)).sum().backward()
    optimizer.step()
    clocked.restart_clock(network[0].weight, 0, torch.tensor([1]))
    assert clocked.has_young_units
    optimizer.reset()
    assert not clocked.has_young_units
    assert optimizer.state_dict()["ShrinkPerturb"] == {"step": 1, "seed": 3}


def test_it_says_when_there_is_nothing_to_reset():
    weight = nn.Parameter(torch.zeros(1))
    told = [
        list(OptimizerReset(each).concerns())
        for each in (torch.optim.SGD([weight]), torch.optim.SGD([weight], momentum=0.9), torch.optim.RMSprop([weight]))
    ]
    assert [len(each) for each in told] == [1, 0, 0]
    assert "nothing to reset" in told[0][0]


def test_an_interval_that_is_none_is_refused():
    with pytest.raises(ValueError, match="every"):
        OptimizerReset(torch.optim.SGD([nn.Parameter(torch.zeros(1))]), every=-1)


def test_several_seeds_in_one_reset_together_with_the_clocks_of_their_newborn_units():
    replacing = partial(ContinualBackprop, replacement_rate=0.1, maturity_threshold=2)
    method = Stack((replacing, partial(OptimizerReset, every=4)))
    blueprint = Blueprint(mlp_of_streams, partial(torch.optim.Adam, lr=0.01), method)
    streams = [Blobs(plan(1, batch_size=2), seed) for seed in (3, 4)]
    together = backprop_learner(blueprint, streams)
    assert isinstance(together, BatchedBackprop)
    go_through(streams, together)
    for stream, network in zip(streams, together.networks, strict=True):
        alone = backprop_learner(blueprint, [stream])
        go_through([stream], alone)
        torch.testing.assert_close(network.state_dict(), alone.networks[0].state_dict(), atol=2e-5, rtol=2e-5)
