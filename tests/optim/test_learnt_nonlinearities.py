"""Non-linearities that learn, beside methods that draw parameters afresh: their coefficients are no draws."""

import copy
from functools import partial

import pytest
import torch

from plastic_rl.layers import coefficients, hidden_layers
from plastic_rl.networks import MLP
from plastic_rl.optim import LayerReset, SelectiveWeightReinitialization, ShrinkPerturbAtChange

ALL = {
    "reset": partial(LayerReset, last=0),
    "reset of single weights": partial(SelectiveWeightReinitialization, every=1, factor=1.0, pruning="proportional"),
    "reset of single weights to the mean": partial(
        SelectiveWeightReinitialization, every=1, factor=1.0, pruning="proportional", redraw="mean"
    ),
    "shrink and perturb": partial(ShrinkPerturbAtChange, shrink_by=1.0, perturb_by=1.0),
}


def built(method):
    torch.manual_seed(0)
    network = MLP(3, 2, hidden_units=8, hidden_layers=2, activation="rational")
    layers = hidden_layers(network, torch.zeros(1, 3))
    return network, layers, method(torch.optim.SGD(network.parameters(), lr=0.0), layers, seed=1)


def act(network, optimizer):
    optimizer.zero_grad()
    network(torch.randn(4, 3)).square().mean().backward()
    optimizer.step()
    optimizer.begin_task()


@pytest.mark.parametrize("name", ALL)
def test_coefficients_go_back_to_where_each_began(name):
    network, layers, optimizer = built(ALL[name])
    before = [each.detach().clone() for each in network.parameters()]
    shapes = [each.detach().clone() for each in coefficients(layers)]
    assert [each.numel() for each in shapes] == [6, 4, 6, 4]
    for each in coefficients(layers):
        each.data.fill_(9.0)
    act(network, optimizer)
    torch.testing.assert_close([each.detach() for each in coefficients(layers)], shapes)
    assert not torch.equal(network[0].weight, before[0])  # weights are drawn


@pytest.mark.parametrize("name", ALL)
def test_they_do_so_after_a_resume(name):
    _, _, optimizer = built(ALL[name])
    network, layers, again = built(ALL[name])
    began = [each.detach().clone() for each in coefficients(layers)]
    for each in again.memory.get("means", []):
        each.fill_(0.5)
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for each in coefficients(layers):
        each.data.fill_(9.0)
    act(network, again)
    torch.testing.assert_close([each.detach() for each in coefficients(layers)], began)
