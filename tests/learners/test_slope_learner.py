"""Learners whose last layer learns its step sizes: what they hand to the rule, classes, hidden layers, resuming."""

import copy
from functools import partial

import pytest
import torch
from torch import nn

from plastic_rl.learners import SlopeLearner
from plastic_rl.optim.step_sizes import IDBD, K1
from plastic_rl.streams import Plan, SignTracking
from tests.streams.small import Blobs, blueprint, go_through, mlp

ONE = Plan(2, batch_size=1)


def tracking(**settings):
    return SignTracking(Plan(2, shuffles=False), 3, inputs=4, relevant=2, **{"examples": 12, **settings})


def learner(stream, network=lambda: nn.Linear(4, 1), rule=K1, **settings):
    return SlopeLearner(blueprint(network), rule, stream, seed=stream.seed, **settings)


def test_a_linear_network_learns_as_the_rule_does_by_itself():
    stream = tracking()
    found = learner(stream)
    layer = copy.deepcopy(found.network)
    optimizer = K1(layer.parameters())
    squares = 0.0
    for index in range(2):
        for x, y in zip(*stream.task(index).train.take(torch.arange(12)), strict=True):
            said = layer(x)
            optimizer.zero_grad()
            said.sum().backward()
            optimizer.observe(y - said)
            optimizer.step()
            squares += (y - said).square().item() * index
    recorded = go_through([stream], found)
    assert torch.equal(found.network.weight, layer.weight)
    assert torch.equal(found.network.bias, layer.bias)
    assert recorded[-1][1][0]["online/error"] == pytest.approx(squares / 12)
    assert recorded[-1][1][0]["step_size/largest"] == optimizer.step_sizes()[0].max().item()


def test_classes_are_regressed_on():
    stream = Blobs(Plan(1, batch_size=1), examples=60)
    recorded = go_through([stream], learner(stream, lambda: nn.Linear(4, 3)))
    assert recorded[-1][1][0]["test/accuracy"] > 0.7


def test_hidden_layers_descend_half_the_squared_error():
    stream = tracking(examples=1)
    found = learner(stream, partial(mlp, 4, 1))
    network = copy.deepcopy(found.network)
    inputs, targets = stream.task(0).train.take(torch.arange(1))
    ((targets - network(inputs)).square().sum() / 2).backward()
    with torch.no_grad():
        for each in network.parameters():
            each.sub_(0.1 * each.grad)  # the blueprint's SGD
    found.update(inputs[None], targets[None], stream.task(0))
    torch.testing.assert_close(found.network[0].state_dict(), network[0].state_dict())
    assert not torch.equal(found.network[-1].weight, network[-1].weight)


def test_a_rule_can_move_all_layers_by_the_slopes_of_one_output():
    stream = tracking()
    found = learner(stream, partial(mlp, 4, 1), IDBD, everywhere=True)
    go_through([stream], found)
    assert found.hidden is None
    assert all("gain_trace" in found.optimizer.state[each] for each in found.network.parameters())


@pytest.mark.parametrize("network", [lambda: nn.Linear(4, 3), partial(mlp, 4, 3)])
def test_a_saved_learner_goes_on_bit_for_bit(network):
    stream, saved = Blobs(ONE), []
    whole, again = (learner(stream, network) for _ in range(2))
    go_through([stream], whole, lambda course, _: saved.append(copy.deepcopy(course.state_dict())))
    go_through([stream], again, saved=saved[0])
    torch.testing.assert_close(again.network.state_dict(), whole.network.state_dict(), atol=0, rtol=0)


def test_minibatches_and_slopes_of_several_outputs_are_refused():
    with pytest.raises(ValueError, match=r"minibatches have 4\nTake env.batch_size=1"):
        learner(Blobs(Plan(1, batch_size=4)), lambda: nn.Linear(4, 3))
    with pytest.raises(ValueError, match="one output, and this one has 3"):
        learner(Blobs(ONE), partial(mlp, 4, 3), everywhere=True)


def test_a_schedule_scales_the_steps_of_all_layers():
    found = learner(tracking(), partial(mlp, 4, 1))
    found.set_learning_rate_factor(0.5)
    assert [each.param_groups[0]["lr"] for each in (found.optimizer, found.hidden)] == [0.025, 0.05]
