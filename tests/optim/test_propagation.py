"""Propagated utility: by hand, as a flow that is conserved, and as what ranks units in continual backprop."""

from functools import partial

import pytest
import torch
from torch import nn

from plastic_rl.layers import hidden_layers
from plastic_rl.learners import Blueprint, backprop_learner
from plastic_rl.networks import MLP
from plastic_rl.optim import ContinualBackprop
from plastic_rl.optim.propagation import Propagation, contributions, passed_back, propagate
from plastic_rl.streams import FeatureSearch, Plan
from plastic_rl.training.course import Course


def test_utility_is_shared_out_in_proportion_to_contributions():
    """Λ = |W| m = [[2, 2], [0, 6]]: of 1 the first row hands 1/2 to each column, of 3 the second all to the second."""
    weight, magnitude = torch.tensor([[-2.0, 1.0], [0.0, 3.0]]), torch.tensor([1.0, 2.0])
    assert contributions(weight, magnitude).tolist() == [[2.0, 2.0], [0.0, 6.0]]
    assert passed_back(contributions(weight, magnitude), torch.tensor([1.0, 3.0])).tolist() == [0.5, 3.5]


def test_taps_of_a_convolution_are_added_up():
    weight = torch.tensor([[[1.0, -2.0], [3.0, 0.0]]])
    assert contributions(weight, torch.tensor([1.0, 10.0])).tolist() == [[3.0, 30.0]]


def test_the_flow_is_conserved_from_level_to_level():
    torch.manual_seed(0)
    weights = [torch.randn(7, 4), torch.randn(5, 7), torch.randn(3, 5)]
    magnitudes = [torch.rand(4), torch.rand(7), torch.rand(5)]
    for received, total in ((None, 3.0), (torch.tensor([1.0, 0.5, 2.0]), 3.5)):
        levels = propagate(weights, magnitudes, received)
        assert [len(level) for level in levels] == [4, 7, 5]
        assert [level.sum().item() for level in levels] == pytest.approx([total] * 3)


def test_a_row_that_hears_nothing_hands_nothing_on():
    assert passed_back(torch.zeros(1, 2), torch.ones(1)).tolist() == [0.0, 0.0]


class Branches(nn.Module):
    """A trunk that two branches read, one of which has a hidden layer of its own."""

    def __init__(self):
        super().__init__()
        self.trunk, self.middle = nn.Linear(4, 6), nn.Linear(6, 5)
        self.near, self.far = nn.Linear(6, 2), nn.Linear(5, 3)

    def forward(self, inputs):
        units = self.trunk(inputs).relu()
        return self.near(units), self.far(self.middle(units).relu())


def test_branches_add_up_to_the_number_of_outputs():
    torch.manual_seed(0)
    network = Branches()
    layers = hidden_layers(network, torch.randn(3, 4))
    magnitudes = {"trunk": torch.rand(6), "middle": torch.rand(5)}
    found = Propagation(layers)([[magnitudes[layer.name]] * len(layer.read_by) for layer in layers])
    utility = dict(zip((layer.name for layer in layers), found, strict=True))
    assert utility["middle"].sum().item() == pytest.approx(3.0)
    assert utility["trunk"].sum().item() == pytest.approx(5.0)
    near = passed_back(contributions(network.near.weight, magnitudes["trunk"]), torch.ones(2))
    through = passed_back(contributions(network.middle.weight, magnitudes["trunk"]), utility["middle"])
    torch.testing.assert_close(utility["trunk"], near + through)


def test_columns_of_a_flattened_convolution_belong_to_its_channels():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))
    layers = hidden_layers(network, torch.randn(2, 1, 3, 3))
    magnitude = torch.rand(12)
    (utility,) = Propagation(layers)([[magnitude]])
    columns = propagate([network[3].weight], [magnitude])[0]
    torch.testing.assert_close(utility, columns.view(3, 4).sum(1))


def test_a_unit_whose_reader_matters_little_ranks_low_however_strongly_it_is_read():
    """Both hidden units are read by weights of 1, but the second only by a unit that the output does not read."""
    network = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    with torch.no_grad():
        for layer in (network[0], network[2]):
            layer.weight.copy_(torch.eye(2))
            layer.bias.zero_()
        network[2].weight[1, 1] = 5.0
        network[4].weight.copy_(torch.tensor([[1.0, 0.0]]))
    inputs = torch.ones(1, 2)
    ranked = {}
    for utility in ("contribution", "propagated"):
        optimizer = torch.optim.SGD(network.parameters(), lr=0.0)
        method = ContinualBackprop(optimizer, hidden_layers(network, inputs), replacement_rate=1e-9, utility=utility)
        network(inputs).sum().backward()
        method.step()
        ranked[utility] = (method.watched[0].average / 0.01).tolist()
    assert ranked["contribution"] == pytest.approx([1.0, 5.0])
    assert ranked["propagated"] == pytest.approx([1.0, 0.0])


@pytest.mark.parametrize(
    "mode", ["exact", pytest.param("lazy", marks=pytest.mark.slow), pytest.param("instant", marks=pytest.mark.slow)]
)
def test_units_are_replaced_by_it_and_several_seeds_are_what_each_is_alone(mode):
    plasticity = partial(
        ContinualBackprop, utility="propagated", mode=mode, replacement_rate=0.05, maturity_threshold=4
    )
    blueprint = Blueprint(
        network=partial(MLP, 20, 1, hidden_units=6, hidden_layers=2),
        optimizer=partial(torch.optim.SGD, lr=0.01),
        plasticity=plasticity,
    )

    def learned(seeds):
        streams = [FeatureSearch(Plan(1, shuffles=False), seed, examples=24) for seed in seeds]
        learner = backprop_learner(blueprint, streams)
        Course(streams, learner, lambda step, numbers: None, lambda: None).go()
        return learner

    both, alone = learned([0, 1]), learned([1])
    assert [row["cbp/replaced"] for row in both.metrics()] == [alone.metrics()[0]["cbp/replaced"]] * 2
    assert alone.metrics()[0]["cbp/replaced"] > 3
    for ours, theirs in zip(both.networks[1].parameters(), alone.networks[0].parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_units_that_reach_themselves_and_groups_are_refused_by_name():
    recurrent = nn.RNN(3, 4, batch_first=True)

    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.memory, self.head = recurrent, nn.Linear(4, 1)

        def forward(self, inputs):
            return self.head(self.memory(inputs)[0])

    layers = hidden_layers(Recurrent(), torch.randn(2, 5, 3))
    with pytest.raises(ValueError, match=r"do not reach themselves.*memory"):
        Propagation(layers)
    grouped = nn.Sequential(nn.Conv1d(2, 4, 1), nn.ReLU(), nn.Conv1d(4, 4, 1, groups=2), nn.Flatten(), nn.Linear(12, 1))
    with pytest.raises(ValueError, match=r"whose rows read all columns.*leave `0` out"):
        Propagation(hidden_layers(grouped, torch.randn(2, 2, 3)))
