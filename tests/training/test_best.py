"""The weights that did best on validation examples."""

import torch
from torch import nn

from plastic_rl.training.best_weights import BestWeights


def network(value):
    module = nn.Linear(1, 1, bias=False)
    module.weight.data.fill_(value)
    return module


def set_to(networks, *values):
    for module, value in zip(networks, values, strict=True):
        module.weight.data.fill_(value)


def test_each_seed_gets_the_weights_of_its_best_pass_back_and_of_equals_the_first():
    networks, best = [network(1.0), network(10.0)], BestWeights()
    for weights, results in (((1.0, 10.0), (0.5, 0.7)), ((2.0, 20.0), (0.8, 0.6)), ((3.0, 30.0), (0.8, 0.7))):
        set_to(networks, *weights)
        best.offer(networks, results)
    assert best.results == [0.8, 0.7]
    best.restore_into(networks)
    assert [module.weight.item() for module in networks] == [2.0, 10.0]


def test_a_pass_that_got_nothing_right_counts_too():
    networks, best = [network(1.0)], BestWeights()
    best.offer(networks, [0.0])
    set_to(networks, 2.0)
    best.restore_into(networks)
    assert networks[0].weight.item() == 1.0


def test_the_weights_are_written_into_the_tensors_that_are_in_use():
    networks, best = [network(1.0)], BestWeights()
    best.offer(networks, [0.5])
    place = networks[0].weight.data_ptr()
    best.restore_into(networks)
    assert networks[0].weight.data_ptr() == place


def test_running_statistics_belong_to_the_weights():
    module, best = nn.BatchNorm1d(2), BestWeights()
    best.offer([module], [0.5])
    module(torch.randn(4, 2) + 5)
    best.restore_into([module])
    assert module.running_mean.tolist() == [0, 0]
    assert module.num_batches_tracked == 0


def test_a_saved_best_goes_on_alike():
    networks, best, other = [network(1.0)], BestWeights(), BestWeights()
    best.offer(networks, [0.5])
    other.load_state_dict(best.state_dict())
    set_to(networks, 2.0)
    other.offer(networks, [0.4])
    other.restore_into(networks)
    assert networks[0].weight.item() == 1.0
